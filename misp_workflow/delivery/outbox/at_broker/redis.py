"""The dramatiq outbox's Redis side: where dramatiq keeps its messages, and what we remember beside them."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import redis
from dramatiq import Message
from dramatiq.broker import Broker, Consumer
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage
from redis.exceptions import RedisError

from misp_workflow.delivery.outbox.at_broker.envelope import (
    DAMAGED,
    DEAD,
    DIGEST,
    MAIN,
    REPLACED,
    Envelope,
    envelopes,
    is_message,
)
from misp_workflow.delivery.outbox.at_broker.fetching import Fetching
from misp_workflow.delivery.retry import LONGEST_WISH

NAMESPACE = "misp-workflow"
HEARTBEAT = 15_000
"""Milliseconds without a sign of life after which a worker's messages go to others."""
MAINTENANCE = 50_000
"""Commands in a million that look for such workers; each worker sends several a second."""
NOTED = f"{NAMESPACE}:noted"
"""How often something was noted of a key: after each message that is put, and before its worker lets go of the last."""
FOR_EVER = 10 * 365 * 86_400_000
GONE = int(LONGEST_WISH * 1.2)


_BY_ITS_CLOCK = b"local now = redis.call('TIME')\nARGV[2] = now[1] * 1000 + math.floor(now[2] / 1000)\n"
"""What stands before dramatiq's script, to which each machine says its own time: one whose clock is fast by more than
HEARTBEAT took what the others were trying, and sent it a second time."""


class _Consumer(Fetching, _RedisConsumer):
    """Says of a broken connection what dramatiq's threads listen for: the one for what waits ended of it.

    What was done and could not be acknowledged they acknowledge later; else it would wait until the process ends, and
    be done again then.
    """

    def ack(self, message: Any) -> None:
        try:
            super().ack(message)
        except RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

    def requeue(self, messages: Any) -> None:
        try:
            super().requeue(messages)  # type: ignore[no-untyped-call]
        except RedisError as error:  # they stay ours: whoever consumes next takes them back
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]


class _Broker(RedisBroker):
    """Takes back what it had fetched before the connection broke.

    dramatiq forgets what its memory held then, while Redis still counts it as ours, and we live: nobody would ever get
    it. What is sent twice because of this carries the same key.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        theirs: Any = self.scripts["dispatch"].script
        self.scripts["dispatch"] = self.client.register_script(_BY_ITS_CLOCK + theirs)

    @property
    def consumer_class(self) -> type[_Consumer]:
        return _Consumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        try:
            ours = self.client.smembers(f"{NAMESPACE}:__acks__.{self.broker_id}.{queue_name}")
            if ours:
                self.do_requeue(queue_name, *ours)
        except RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        return super().consume(queue_name, prefetch, timeout)

    def do_fetch(self, queue_name: str, prefetch: int) -> list[bytes]:
        """Return the bodies of the next messages; what is none would stop the queue, and becomes a dead letter."""
        fetched: list[bytes] = self._dispatch("fetch")(queue_name, prefetch)  # type: ignore[no-untyped-call]
        return [body for body in fetched if body is None or not self._set_aside(queue_name, body)]

    def _set_aside(self, queue_name: str, body: bytes) -> bool:
        if is_message(body):
            return False
        for number, stored in self.client.hscan_iter(_messages(queue_name), count=500):
            if stored == body:
                dead = {"key": f"damaged-{hashlib.sha256(body).hexdigest()[:16]}", "reason": DAMAGED}
                times = dict.fromkeys(("created", "due", "ended"), time.time())
                message: Message[None] = Message(
                    queue_name=DEAD, actor_name="deliver", args=({**dead, **times},), kwargs={}, options={}
                )
                self.enqueue(message)
                self.do_ack(queue_name, number)
        return True


class RedisBackend:
    """See `Backend`. In dramatiq, <namespace>:<queue> is a list of ids, <namespace>:<queue>.msgs their hash."""

    troubles: tuple[type[Exception], ...] = (RedisError,)

    def __init__(self, url: str) -> None:
        self._client: Any = redis.Redis.from_url(url, socket_connect_timeout=2.0, socket_timeout=5.0)
        self.broker: Broker = _Broker(
            client=self._client,
            middleware=[CurrentMessage()],
            namespace=NAMESPACE,
            heartbeat_timeout=HEARTBEAT,
            maintenance_chance=MAINTENANCE,
            dead_message_ttl=FOR_EVER,
        )

    def close(self) -> None:
        self.broker.close()
        self._client.connection_pool.disconnect()

    def known(self, key: str) -> str:
        return (self._client.get(_mark(key)) or b"").decode()

    def note(self, key: str, what: str, seconds: float) -> None:
        both = self._client.pipeline()
        both.set(_mark(key), what, px=max(int(seconds * 1000), 1))
        both.incr(NOTED)
        both.execute()

    def forget(self, key: str) -> None:
        self._client.delete(_mark(key))

    def is_over(self, key: str, serial: str) -> bool:
        mark, gone = self._client.mget(_mark(key), _gone(serial))
        return gone is not None or mark == b"sent"

    def replaced(self, serial: str, seconds: float = REPLACED) -> None:
        self._client.set(_gone(serial), "1", ex=int(seconds))

    def count(self, lane: str, how: str, number: int) -> None:
        self._client.hincrby(f"{NAMESPACE}:ended", f"{how} {lane}", number)

    def ended(self) -> dict[tuple[str, str], int]:
        found = {}
        for name, number in self._client.hgetall(f"{NAMESPACE}:ended").items():
            how, _, lane = name.decode().partition(" ")
            found[lane, how] = int(number)
        return found

    def look(self) -> Iterator[tuple[str, Envelope]]:
        for queue in self._queues():
            for _, envelope in self._read(queue):
                yield queue.removesuffix(".DQ"), envelope

    def _read(self, queue: str) -> Iterator[tuple[bytes, Envelope]]:
        """Yield the envelopes of a queue and their ids, each once; only some of them are in memory at a time."""
        seen: set[int] = set()  # a scan may return one twice
        for number, body in self._client.hscan_iter(_messages(queue), count=500):
            if hash(number) not in seen:
                seen.add(hash(number))
                yield from ((number, envelope) for envelope in envelopes([body]))

    def moving(self) -> tuple[bool, str]:
        return False, (self._client.get(NOTED) or b"").decode()  # `look` shows what workers have, too

    def take(self, keys: Collection[str], before: Callable[[str, Envelope], None]) -> list[tuple[str, Envelope]]:
        found = [
            (queue, number, envelope)
            for queue in self._queues()
            for number, envelope in self._read(queue)
            if envelope.get("key") in keys
        ]
        taken = []
        for queue, number, envelope in found:
            before(queue.removesuffix(".DQ"), envelope)
            if self._client.hdel(_messages(queue), number):
                self._client.lrem(f"{NAMESPACE}:{queue}", 0, number)
                # A worker may have it in memory until it is due, and put it back then.
                self._client.set(_gone(envelope.get("serial", "")), "1", ex=GONE)
                taken.append((queue.removesuffix(".DQ"), envelope))
        return taken

    @contextlib.contextmanager
    def gathered(self, queue: str, most: int) -> Iterator[tuple[list[Envelope], Callable[[], None]]]:
        consumer = self.broker.consume(queue, prefetch=most, timeout=100)
        found: list[Any] = []
        while len(found) < most and (message := next(consumer)) is not None:
            found.append(message)

        def remove() -> None:
            for message in found:
                consumer.ack(message)

        yield [message.args[0] for message in found], remove  # what is left the next consumer takes back

    def due(self, queue: str) -> float:
        return 0.0  # all processes know of the same tick

    def longest_wait(self, seconds: float) -> float:
        return seconds

    def notices(self) -> list[str]:
        found: list[str] = []
        if not self._client.info("persistence").get("aof_enabled"):
            found.append(
                "Redis keeps no append-only file: what waits is lost when Redis restarts. Set 'appendonly yes' in its "
                "configuration."
            )
        memory = self._client.info("memory")
        if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
            found.append("Redis may throw away what waits when its memory is full: set 'maxmemory-policy noeviction'.")
        return found

    def _queues(self) -> list[str]:
        digests = [
            name.decode().removeprefix(f"{NAMESPACE}:").removesuffix(".msgs")
            for name in self._client.scan_iter(match=_messages(f"{DIGEST}*"))
        ]
        # Where messages come from is before where they go to, so none is missed that moves on by itself.
        return [*digests, f"{MAIN}.DQ", MAIN, DEAD]


def _messages(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.msgs"


def _gone(serial: str) -> str:
    return f"{NAMESPACE}:gone:{serial}"


def _mark(key: str) -> str:
    return f"{NAMESPACE}:mark:{key}"
