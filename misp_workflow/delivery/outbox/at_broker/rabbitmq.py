"""The dramatiq outbox's RabbitMQ side: putting what waits into queues of its own, and looking into queues.

RabbitMQ has no place to remember things in, so what was sent lately is remembered by each process for itself.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any

import pika
from dramatiq import Message
from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage
from pika.exceptions import AMQPError, ChannelClosedByBroker

from misp_workflow.delivery.outbox.at_broker.envelope import DEAD, INSTEAD, MAIN, REPLACED, Envelope, envelopes
from misp_workflow.delivery.outbox.at_broker.fetching import Turns
from misp_workflow.delivery.outbox.at_broker.hands import TellingConsumer, ask
from misp_workflow.delivery.outbox.at_broker.moves import BUCKETS, LOOKING, RESOURCE_LOCKED, waiting, waiting_queue
from misp_workflow.delivery.outbox.base import is_sane
from misp_workflow.delivery.retry import LONGEST_WISH

LONGEST_LOOK = 50.0
"""Seconds for which another one's look is waited for."""

MOST_KNOWN = 10_000
"""Keys that are remembered before those whose time is over are thrown out."""


class _Broker(RabbitmqBroker):
    """Lets the broker hold what waits. dramatiq's own way has a worker hold it in memory, where nobody can see it."""

    @property
    def consumer_class(self) -> type[TellingConsumer]:
        return TellingConsumer

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        message.options.pop(INSTEAD, None)  # RabbitMQ has no place to remember that in
        if delay is None:
            return super().enqueue(message)
        self.declare_queue(message.queue_name, ensure=True)
        queue, seconds = waiting_queue(delay / 1000)
        for last in (False, True):
            try:
                self.channel.queue_declare(queue=queue, durable=True)
                self.channel.basic_publish(
                    exchange="",
                    routing_key=queue,
                    body=message.encode(),
                    properties=waiting(seconds),
                    mandatory=True,
                )
                return message
            except AMQPError as error:
                del self.connection  # it may only have been idle for too long
                if last:
                    raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        raise AssertionError("unreachable")


class RabbitBackend:
    """See `Backend`."""

    troubles: tuple[type[Exception], ...] = (AMQPError,)

    def __init__(self, url: str) -> None:
        parameters: Any = pika.URLParameters(url)
        parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 5
        self._parameters = parameters
        broker = _Broker(url=url, middleware=[CurrentMessage()], confirm_delivery=True)
        broker.parameters = parameters
        self.broker: Broker = broker
        self.turns = Turns()
        self._known: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self.broker.close()

    def known(self, key: str) -> str:
        with self._lock:
            what, until = self._known.get(key, ("", 0.0))
            return what if until > time.monotonic() else ""

    def note(self, key: str, what: str, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._known) > MOST_KNOWN:
                self._known = {name: one for name, one in self._known.items() if one[1] > now}
            self._known[key] = (what, now + seconds)

    def forget(self, key: str) -> None:
        with self._lock:
            self._known.pop(key, None)

    def is_over(self, key: str, serial: str) -> bool:
        return self.known(key) == "sent" or bool(self.known(f"gone {serial}"))

    def replaced(self, serial: str, seconds: float = REPLACED) -> None:
        self.note(f"gone {serial}", "gone", seconds)

    def unwanted(self, key: str, serial: str) -> None:
        self.replaced(serial, LONGEST_WISH)
        self.forget(key)

    def say(self) -> None:
        """RabbitMQ remembers nothing: this process's workers know it, and no others can."""

    def count(self, lane: str, how: str, number: int) -> None:
        """RabbitMQ keeps no numbers; each process's log does."""

    def ended(self) -> dict[tuple[str, str], int]:
        return {}

    def look(self) -> Iterator[tuple[str, Envelope]]:
        with self._alone() as connection:  # which holds every message until it closes: nobody waits in between
            found = [(queue, envelope) for queue, envelope, _ in self._read(connection)]
        yield from found

    def take(self, keys: Collection[str], before: Callable[[str, Envelope], None]) -> list[tuple[str, Envelope]]:
        with self._alone() as connection:
            found = [one for one in self._read(connection) if one[1].get("key") in keys]
            for queue, envelope, remove in found:
                before(queue, envelope)
                remove()
        return [(queue, envelope) for queue, envelope, _ in found]

    @contextlib.contextmanager
    def gathered(self, queue: str, most: int) -> Iterator[tuple[list[Envelope], Callable[[], None]]]:
        with self._connection() as connection:  # to which it goes back when this one closes
            found = list(islice(self._read_queue(connection, queue), most))

            def remove() -> None:
                for _, _, remove_one in found:
                    remove_one()

            yield [envelope for _, envelope, _ in found], remove

    def due(self, queue: str) -> float:
        with self._connection() as connection:  # to which it goes back when this one closes
            first = next(self._read_queue(connection, queue), None)
            due = first[1].get("due") if first else 0.0
            return float(due) if is_sane(due) else 0.0

    def longest_wait(self, seconds: float) -> float:
        return float(max((bucket for bucket in BUCKETS if bucket <= seconds), default=BUCKETS[0]))

    def notices(self) -> list[str]:
        with self._connection():  # that it can be reached is all there is to know
            return []

    def moving(self) -> tuple[bool, str]:
        with self._connection() as connection:
            return ask(connection)

    def _connection(self) -> Any:
        return pika.BlockingConnection(self._parameters)

    def _alone(self) -> Any:
        """Return a connection, once nobody else looks into the queues."""
        connection = self._connection()
        end = time.monotonic() + LONGEST_LOOK
        while True:
            try:
                connection.channel().queue_declare(LOOKING, exclusive=True)
                return connection
            except ChannelClosedByBroker as error:
                if error.reply_code != RESOURCE_LOCKED or time.monotonic() > end:
                    connection.close()
                    raise
            connection.sleep(0.1)

    def _read(self, connection: Any) -> Iterator[tuple[str, Envelope, Callable[[], None]]]:
        """Go through every message that no worker has. What is not removed goes back to its place in the end.

        Where messages come from is before where they go to, so none is missed that moves on by itself, as in the queues
        named “wait”, in which older versions let them wait.
        """
        digests = set()
        for queue in (*(f"{MAIN}-{name}-{bucket}" for name in ("later", "wait") for bucket in BUCKETS), MAIN, DEAD):
            for _, envelope, remove in self._read_queue(connection, queue):
                digests.add(envelope.get("tick", ""))
                yield (DEAD if queue == DEAD else MAIN), envelope, remove
        for queue in digests - {""}:
            yield from self._read_queue(connection, queue)

    def _read_queue(self, connection: Any, queue: str) -> Iterator[tuple[str, Envelope, Callable[[], None]]]:
        channel = connection.channel()
        try:
            while True:
                method, _, body = channel.basic_get(queue, auto_ack=False)
                if method is None:
                    return
                (envelope,) = envelopes([body])
                yield queue, envelope, _ack(channel, method.delivery_tag)
        except ChannelClosedByBroker:  # there is no such queue yet
            return


def _ack(channel: Any, tag: int) -> Callable[[], None]:
    return lambda: channel.basic_ack(tag)
