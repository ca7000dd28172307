"""Kafka: acks=all and idempotence, one delivery report per record. Needs confluent-kafka, the extra [kafka]."""

from __future__ import annotations

from typing import Any

from misp_workflow.delivery.transports.network.connections import connect
from misp_workflow.delivery.transports.network.names import resolve
from misp_workflow.delivery.transports.network.sockets import check_address, connect_problem
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.delivery.transports.streams.outcome import (
    IN,
    Outcome,
    UnreachableError,
    encoded,
    left,
    missing,
    server,
)
from misp_workflow.effects import Batch

DEFAULT_PORT = 9092
NEVER = """
MSG_SIZE_TOO_LARGE INVALID_MSG_SIZE RECORD_LIST_TOO_LARGE TOPIC_AUTHORIZATION_FAILED UNKNOWN_TOPIC_OR_PART
TOPIC_EXCEPTION INVALID_RECORD POLICY_VIOLATION _UNKNOWN_TOPIC _INVALID_ARG
""".split()  # noqa: SIM905 - a column of names is easier to read
"""Errors of one record that no repetition mends: https://kafka.apache.org/protocol#protocol_error_codes."""


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Produce the records and wait for the broker's report on each."""
    try:
        from confluent_kafka import KafkaException, Producer
    except ImportError:
        raise missing("confluent-kafka", "kafka") from None
    _knock(batch, deadline)
    outcomes: list[Outcome | None] = [None] * len(batch.records)
    troubles: list[str] = []
    try:
        producer = Producer(_settings(batch, deadline), error_cb=lambda error: troubles.append(str(error.str())))
    except KafkaException as error:
        raise UnreachableError(f"the client cannot be set up: {error.args[0].str()}", final=True) from None
    if why := _led_astray(producer, deadline):
        raise UnreachableError(why, final=True)
    for number, (record, body) in enumerate(zip(batch.records, encoded(batch.records), strict=True)):
        try:
            producer.produce(
                str(record["topic"]),
                key=str(record["key"]).encode(),
                value=body,
                headers=dict(record.get("headers") or {}),
                on_delivery=_report(outcomes, number),
            )
        except (KafkaException, BufferError) as error:
            outcomes[number] = _judged(error.args[0] if error.args else error)
    producer.flush(left(deadline))
    if troubles and not any(one and one.how != "again" for one in outcomes):
        raise UnreachableError(f"the broker could not be used: {troubles[-1]}")
    return [one or Outcome("again", "the broker did not acknowledge it in time") for one in outcomes]


def _knock(batch: Batch, deadline: float) -> None:
    """Raise when nothing listens there: the client would go on asking, in silence, until the time is over."""
    parts = server(batch, DEFAULT_PORT, deadline)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    try:
        with trying(deadline) as this:
            for end in connect(host, port, this):
                end.close()
    except OSError as error:
        raise UnreachableError(f"the broker could not be used: {connect_problem(error, host, port)}") from None


def _led_astray(producer: Any, deadline: float) -> str:
    """Return why one of the brokers that the first one names may not be spoken to, "" when all may: the records go
    there."""
    from confluent_kafka import KafkaException

    try:
        brokers = producer.list_topics(timeout=left(deadline)).brokers.values()
    except KafkaException as error:
        raise UnreachableError(f"the broker could not be used: {error.args[0].str()}") from None
    for broker in brokers:
        try:
            for found in resolve(broker.host, broker.port, deadline):
                check_address(str(found[4][0]))
        except OSError as error:
            return f"the broker names {broker.host} port {broker.port}, which is not asked: {error}"
    return ""


def _report(outcomes: list[Outcome | None], number: int) -> Any:
    def heard(error: Any, message: Any) -> None:
        outcomes[number] = IN if error is None else _judged(error)

    return heard


def _judged(error: Any) -> Outcome:
    name = error.name() if hasattr(error, "name") else type(error).__name__
    said = error.str() if hasattr(error, "str") else str(error)
    return Outcome("refused" if name in NEVER else "again", f"{said} ({name})")


def _settings(batch: Batch, deadline: float) -> dict[str, Any]:
    parts = server(batch, DEFAULT_PORT, deadline)
    encrypted = parts.scheme == "kafkas"
    given: dict[str, Any] = {
        "bootstrap.servers": f"{parts.hostname}:{parts.port or DEFAULT_PORT}",
        "client.id": "misp-workflow",
        "acks": "all",
        "enable.idempotence": batch.options.get("idempotent", True),
        "message.timeout.ms": int(left(deadline) * 1000),
        "socket.timeout.ms": max(int(left(deadline) * 1000), 10),
        "log_level": 0,
        "linger.ms": 0,
        "security.protocol": ("SASL_" if batch.username else "") + ("SSL" if encrypted else "PLAINTEXT"),
    }
    if batch.username:
        mechanism = batch.options.get("mechanism", "PLAIN")
        given |= {"sasl.mechanism": mechanism, "sasl.username": batch.username, "sasl.password": batch.password}
    if encrypted:
        given["enable.ssl.certificate.verification"] = batch.verify_tls
        if batch.ca_file:
            given["ssl.ca.location"] = batch.ca_file
        if batch.client_certificate:
            given |= {
                "ssl.certificate.location": batch.client_certificate,
                "ssl.key.location": batch.client_certificate,
            }
    return given
