"""MQTT 5: QoS 1, whose acknowledgement says why a record was not taken. Needs paho-mqtt, the extra [mqtt].

QoS 2 and MQTT 3.1.1 are not used: there a refusal looks like a success to the client (see findings).
"""

from __future__ import annotations

import threading
from typing import Any

from misp_workflow.delivery.transports.streams.outcome import (
    IN,
    Outcome,
    UnreachableError,
    encoded,
    left,
    missing,
    server,
    tls,
)
from misp_workflow.effects import Batch

NOT_NOW = frozenset((0x80, 0x83, 0x88, 0x89, 0x97))
"""Reason codes that may pass: unspecified, implementation specific, unavailable, busy, quota exceeded."""


class _Heard:
    """What the client's thread heard: the answer to the connection, and a reason code per message."""

    def __init__(self) -> None:
        self.connected = threading.Event()
        self.refusal: Any = None
        self.codes: dict[int, Any] = {}
        self.changed = threading.Condition()

    def on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.refusal = reason if reason.is_failure else None
        self.connected.set()

    def on_publish(self, client: Any, data: Any, number: int, reason: Any, properties: Any) -> None:
        with self.changed:
            self.codes[number] = reason
            self.changed.notify()


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Publish the records and wait for an acknowledgement of each."""
    try:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError:
        raise missing("paho-mqtt", "mqtt") from None
    heard = _Heard()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect, client.on_publish = heard.on_connect, heard.on_publish
    _connect(client, batch, deadline)
    client.loop_start()
    try:
        if not heard.connected.wait(left(deadline)):
            raise UnreachableError("the broker did not answer in time")
        if heard.refusal is not None:
            final = heard.refusal.value not in NOT_NOW
            raise UnreachableError(f"the broker refused the connection: {heard.refusal}", final=final)
        return _sent(client, batch, heard, deadline)
    finally:
        client.disconnect()
        client.loop_stop()


def _connect(client: Any, batch: Batch, deadline: float) -> None:
    parts = server(batch, 8883 if batch.address.startswith("mqtts") else 1883, deadline)
    if batch.username:
        client.username_pw_set(batch.username, batch.password)
    if parts.scheme == "mqtts":
        client.tls_set_context(tls(batch))
        client.tls_insecure_set(not batch.verify_tls)
    client.connect_timeout = left(deadline)
    try:
        client.connect(parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
    except (OSError, ValueError) as error:
        raise UnreachableError(f"the broker cannot be reached: {error}") from None


def _sent(client: Any, batch: Batch, heard: _Heard, deadline: float) -> list[Outcome]:
    numbers: list[int | Outcome] = []
    for record, body in zip(batch.records, encoded(batch.records), strict=True):
        retain = bool(batch.options.get("retain", False))
        try:
            numbers.append(client.publish(str(record["topic"]), body or b"", qos=1, retain=retain).mid)
        except ValueError as error:
            numbers.append(Outcome("refused", f"no message can have the topic {record['topic']!r}: {error}"))
    waiting = [number for number in numbers if isinstance(number, int)]
    with heard.changed:
        heard.changed.wait_for(lambda: heard.codes.keys() >= set(waiting), left(deadline))
    return [number if isinstance(number, Outcome) else _judged(heard.codes.get(number)) for number in numbers]


def _judged(reason: Any) -> Outcome:
    if reason is None:
        return Outcome("again", "the broker did not acknowledge it in time")
    if not reason.is_failure:
        return IN
    return Outcome("again" if reason.value in NOT_NOW else "refused", f"the broker says: {reason}")
