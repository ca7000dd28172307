"""What RabbitMQ has given to workers. It shows that to nobody, so each worker's process is asked, over RabbitMQ."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import Any

import pika
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer
from dramatiq.errors import ConnectionClosed
from pika import BasicProperties
from pika.exceptions import AMQPError, ChannelClosedByBroker

from misp_workflow.delivery.outbox.at_broker.envelope import MAIN
from misp_workflow.delivery.outbox.at_broker.fetching import Fetching
from misp_workflow.delivery.outbox.at_broker.moves import Mover

HANDS = f"{MAIN}-hands"
"""The exchange through which a question comes to all who have a worker."""
REPLY = "amq.rabbitmq.reply-to"
BEFORE_ANOTHER_MOVE = 3.0
"""Seconds after a move that failed."""
PATIENCE = 3.0
"""Seconds for all answers. Who does not answer has hung, or its machine is gone and RabbitMQ does not know it yet."""


class TellingConsumer(Fetching, _RabbitmqConsumer):
    """Fetches messages, and moves what is due; says when asked how many it holds and how many it ever got.

    It hears the question on the channel on which it gets messages, so what was given to it before is counted.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)
        self._got = 0
        self._mover: Mover | None = None
        self._moves_at = 0.0
        self._name = f"{HANDS}-{uuid.uuid4().hex}"
        if queue_name != MAIN:
            return
        try:
            self.channel.exchange_declare(HANDS, "fanout", durable=True)
            self.channel.queue_declare(self._name, exclusive=True)
            self.channel.queue_bind(self._name, HANDS)
            self.channel.basic_consume(self._name, self._tell, auto_ack=True)
        except AMQPError as error:
            with contextlib.suppress(AMQPError):  # nobody else closes it: it is tried again every few seconds
                self.connection.close()
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

    def __next__(self) -> Any:
        if self.queue_name == MAIN:
            self._move()
        message = super().__next__()
        self._got += message is not None
        return message

    def _move(self) -> None:
        """Move what is due, over a connection of its own.

        While its memory or disk is full, RabbitMQ does not listen to a connection that publishes: what is acknowledged
        there it would give to others when that connection ends.
        """
        if time.monotonic() < self._moves_at:
            return
        try:
            if self._mover is None:
                self._mover = Mover(pika.BlockingConnection(self.broker.parameters))
            self._mover.turn()
        except AMQPError:
            self._end_moving()
            self._moves_at = time.monotonic() + BEFORE_ANOTHER_MOVE

    def _end_moving(self) -> None:
        """Give back what was to be moved."""
        mover, self._mover = self._mover, None
        if mover is not None:
            with contextlib.suppress(AMQPError):
                mover.close()

    def close(self) -> None:
        self._end_moving()
        super().close()  # type: ignore[no-untyped-call]

    def _tell(self, channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        to = properties.reply_to or ""
        if to.startswith(REPLY):  # whoever else asks gets nothing put into a queue
            fetched = self.channel.get_waiting_message_count()
            said = [self._name, len(self.known_tags) + fetched, self._got + fetched]
            channel.basic_publish("", to, json.dumps(said))


def ask(connection: Any) -> tuple[bool, str]:
    """Return whether a worker holds something, and a mark that is another one once any worker got something more."""
    channel = connection.channel()
    answers: dict[str, tuple[int, int]] = {}

    def hear(_channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
        name, held, got = json.loads(body)
        answers[name] = (held, got)

    try:
        workers = channel.queue_declare(MAIN, passive=True).method.consumer_count
    except ChannelClosedByBroker:  # there is no such queue: nothing was ever put
        return False, ""
    if workers:
        channel.exchange_declare(HANDS, "fanout", durable=True)
        channel.basic_consume(REPLY, hear, auto_ack=True)
        channel.basic_publish(HANDS, "", b"", BasicProperties(reply_to=REPLY))
        end = time.monotonic() + PATIENCE
        while len(answers) < workers and (left := end - time.monotonic()) > 0:
            connection.process_data_events(time_limit=left)
    holds = len(answers) < workers or any(held for held, _ in answers.values())
    return holds, json.dumps(sorted(answers.items()))
