"""AMQP 0-9-1 (RabbitMQ): publisher confirms, and `mandatory`, so that what no queue takes is an error.

Needs pika, which comes with the extra [amqp].
"""

from __future__ import annotations

from typing import Any

from misp_workflow.delivery.transports.streams.outcome import (
    IN,
    Outcome,
    UnreachableError,
    encoded,
    gone,
    left,
    missing,
    server,
    tls,
)
from misp_workflow.effects import Batch

LONGEST_NAME = 255
"""Bytes of a routing key or message id: a short string of the protocol."""


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Publish the records one by one, each confirmed before the next."""
    try:
        import pika
        from pika.exceptions import AMQPError
    except ImportError:
        raise missing("pika", "amqp") from None
    parameters = _parameters(batch, deadline, pika)
    try:
        connection = pika.BlockingConnection(parameters)
    except (AMQPError, OSError) as error:
        raise UnreachableError(
            _said(error), final="ACCESS_REFUSED" in repr(error) or "Auth" in type(error).__name__
        ) from None
    outcomes: list[Outcome] = []
    try:
        timer = connection.call_later(left(deadline), connection.close)
        channel: Any = None
        for record, body in zip(batch.records, encoded(batch.records), strict=True):
            if channel is None or channel.is_closed:
                channel = connection.channel()
                channel.confirm_delivery()
            outcomes.append(_one(channel, batch, record, body, pika))
        connection.remove_timeout(timer)
    except (AMQPError, OSError) as error:
        if not outcomes:
            raise UnreachableError(_said(error)) from None
        outcomes += [Outcome("again", _said(error))] * (len(batch.records) - len(outcomes))
    finally:
        if connection.is_open:
            connection.close()
    return outcomes


def _one(channel: Any, batch: Batch, record: Any, body: bytes | None, pika: Any) -> Outcome:
    topic, name = str(record["topic"]), str(record["id"])
    if len(topic.encode()) > LONGEST_NAME:
        return Outcome("refused", f"the routing key has more than {LONGEST_NAME} bytes")
    headers = {**(record.get("headers") or {}), "withdrawn": gone(record)}
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=name[:LONGEST_NAME], headers=headers
    )
    try:
        exchange = str(batch.options.get("exchange", ""))
        channel.basic_publish(exchange, topic, body or b"", properties, mandatory=True)
    except pika.exceptions.UnroutableError:
        return Outcome("refused", f"no queue takes the routing key {topic}")
    except pika.exceptions.NackError:
        return Outcome("again", "the broker did not take it: a queue is full")
    except pika.exceptions.ChannelClosedByBroker as error:
        return Outcome("refused" if error.reply_code in (403, 404, 406) else "again", error.reply_text)
    return IN


def _parameters(batch: Batch, deadline: float, pika: Any) -> Any:
    parts = server(batch, 5671 if batch.address.startswith("amqps") else 5672, deadline)
    encrypted, seconds = parts.scheme == "amqps", left(deadline)
    host = parts.hostname or ""
    return pika.ConnectionParameters(
        host=host,
        port=parts.port or (5671 if encrypted else 5672),
        virtual_host=str(batch.options.get("vhost") or "/"),
        credentials=pika.PlainCredentials(batch.username or "guest", batch.password or "guest"),
        ssl_options=pika.SSLOptions(tls(batch), host) if encrypted else None,
        socket_timeout=seconds,
        stack_timeout=seconds,
        blocked_connection_timeout=seconds,
        connection_attempts=1,
        heartbeat=0,
    )


def _said(error: Exception) -> str:
    text = str(error) or (repr(error.args[0]) if error.args else "")
    return f"the broker could not be used: {text or type(error).__name__}"
