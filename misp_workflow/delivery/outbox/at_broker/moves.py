"""Messages that wait at RabbitMQ for their time, and their way from there to the workers.

Workers move them. RabbitMQ could move them by itself, but does not make sure that what has just moved is on the disk.
"""

from __future__ import annotations

import time
from typing import Any

from pika import BasicProperties
from pika.exceptions import ChannelClosedByBroker

from misp_workflow.delivery.outbox.at_broker.envelope import MAIN

BUCKETS = tuple(2**n for n in range(18))
"""Seconds that a message can wait, from one to a day and a half: one queue each, in which all wait equally long."""

LOOKING = f"{MAIN}-looking"
"""A queue of the one who looks into the others: nobody else sees what that one has fetched."""
RESOURCE_LOCKED = 405
NOT_FOUND = 404

DUE = "misp-workflow-due"
"""The header that says when a message's time comes, in milliseconds."""
MOST_AT_ONCE = 100
LONGEST_REST = 30.0
"""Seconds after which a queue is looked into again in any case."""
MOST_AHEAD = 60.0
"""Seconds by which another machine's clock may be ahead. What says more does not hold up what is behind it."""


def waiting_queue(seconds: float) -> tuple[str, int]:
    """Return the queue in which to wait for about so long, and for how long one waits there: never less."""
    bucket = next((bucket for bucket in BUCKETS if bucket >= seconds), BUCKETS[-1])
    return f"{MAIN}-later-{bucket}", bucket


def waiting(seconds: int) -> BasicProperties:
    """Return the properties of a message that waits so long from now on."""
    return BasicProperties(delivery_mode=2, headers={DUE: round((time.time() + seconds) * 1000)})


class Mover:
    """Moves what is due. One at a time does, and while somebody looks into the queues, none does."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._next = dict.fromkeys(BUCKETS, 0.0)

    def close(self) -> None:
        """Let go of the connection, and of what was fetched over it."""
        self._connection.close()

    def turn(self) -> None:
        """Move some of what is due, if it is time to look at all."""
        start = time.monotonic()
        buckets = [bucket for bucket in BUCKETS if self._next[bucket] <= start]
        if not buckets:
            return
        with self._connection.channel() as channel:
            try:
                channel.queue_declare(LOOKING, exclusive=True)
            except ChannelClosedByBroker as error:
                if error.reply_code != RESOURCE_LOCKED:
                    raise
                self._next.update(dict.fromkeys(buckets, start + 1))
                return
            rests = {bucket: self._move(bucket) for bucket in buckets}
            channel.queue_delete(LOOKING)
        end = time.monotonic()
        least = end - start  # half of the time is for what the workers ask for, and for others who want to look
        self._next.update({bucket: end + max(rest, least) for bucket, rest in rests.items()})

    def _move(self, bucket: int) -> float:
        """Move what is due in one queue. Return for how many seconds nothing there will be."""
        queue, _ = waiting_queue(bucket)
        with self._connection.channel() as channel:
            channel.confirm_delivery()
            try:
                for _ in range(MOST_AT_ONCE):
                    method, properties, body = channel.basic_get(queue)
                    if method is None:
                        return min(bucket, LONGEST_REST)
                    due = (properties.headers or {}).get(DUE)
                    left = due / 1000 - time.time() if isinstance(due, int) else 0.0
                    if 0 < left < bucket + MOST_AHEAD:
                        channel.basic_nack(method.delivery_tag)  # it goes back to its place
                        return min(left, LONGEST_REST)
                    # Returns once it is on the disk there; only then it goes from here.
                    channel.basic_publish("", MAIN, body, BasicProperties(delivery_mode=2), mandatory=True)
                    channel.basic_ack(method.delivery_tag)
            except ChannelClosedByBroker as error:
                if error.reply_code != NOT_FOUND:
                    raise
                return min(bucket, LONGEST_REST)  # nothing ever waited so long
        return 0.0
