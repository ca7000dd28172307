"""The dramatiq outbox's Redis side: where dramatiq keeps its messages, and what we remember beside them."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any

import redis
from dramatiq import Message
from dramatiq.broker import Broker, Consumer
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.common import current_millis, dq_name
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage
from redis.exceptions import RedisError

from misp_workflow.delivery.outbox.at_broker.envelope import (
    DAMAGED,
    DEAD,
    DIGEST,
    INSTEAD,
    MAIN,
    REPLACED,
    Envelope,
    envelopes,
    is_message,
)
from misp_workflow.delivery.outbox.at_broker.fetching import Fetching, Turns
from misp_workflow.delivery.retry import LONGEST_WISH

NAMESPACE = "misp-workflow"
HEARTBEAT = 15_000
"""Milliseconds without a sign of life after which a worker's messages go to others."""
MAINTENANCE = 50_000
"""Commands in a million that look for such workers; each worker sends several a second."""
NOTED = f"{NAMESPACE}:noted"
"""How often something was noted of a key: after each message that is put, and before its worker lets go of the last."""
PAGE = 500
"""Messages that are looked at between two questions."""
FOR_EVER = 10 * 365 * 86_400_000
GONE = int(LONGEST_WISH * 1.2)


_BEFORE_THEIRS = b"""
local now = redis.call('TIME')
ARGV[2] = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[1] == 'enqueue' then
    if redis.call('HEXISTS', KEYS[1] .. ':' .. ARGV[3] .. '.msgs', ARGV[9]) == 1 then return end
    for i = 11, #ARGV do redis.call('SET', ARGV[i], '1', 'EX', REPLACED) end
end
""".replace(b"REPLACED", str(REPLACED).encode())
"""What stands before dramatiq's script.

Redis' own time instead of what each machine says: one whose clock is fast by more than HEARTBEAT took what the others
were trying, and sent it a second time. What is there already is not put once more: when the answer to a put was lost,
it is asked for again. And what something is put instead of is over in that moment, not in the next.
"""
TAKE_UP_EVERY = 5.0
"""Seconds between two looks for what was fetched by an answer that was lost."""


class _Consumer(Fetching, _RedisConsumer):
    """Says of a broken connection what dramatiq's threads listen for: the one for what waits ended of it.

    What was done and could not be acknowledged they acknowledge later; else it would wait until the process ends, and
    be done again then.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)
        self._known: set[str] = set()  # fetched, and not acknowledged yet
        self._look_at = time.monotonic() + TAKE_UP_EVERY

    def __next__(self) -> Any:
        try:
            if time.monotonic() >= self._look_at and not self.message_cache:
                self.broker.take_up(self.queue_name, self._known)
                self._look_at = time.monotonic() + TAKE_UP_EVERY
            message = super().__next__()
        except RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        if message is not None:
            self._known.add(message.options["redis_message_id"])
        return message

    def ack(self, message: Any) -> None:
        """Acknowledge what this one has fetched, or what was being tried when an earlier one's connection broke."""
        number = message.options["redis_message_id"]
        if message.fetched_by is not self and number not in self.broker.kept:
            return
        try:
            _RedisConsumer.ack(self, message)  # type: ignore[no-untyped-call]
        except RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        self._known.discard(number)
        self.broker.kept.discard(number)

    def requeue(self, messages: Any) -> None:
        try:
            super().requeue(messages)  # type: ignore[no-untyped-call]
        except RedisError as error:  # they stay ours: whoever consumes next takes them back
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]


class _Broker(RedisBroker):
    """Takes back what it had fetched before the connection broke, but for what is being tried.

    dramatiq forgets what its memory held then, while Redis still counts it as ours, and we live: nobody would ever get
    it.
    """

    def __init__(self, turns: Turns, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._turns = turns
        self.kept: set[str] = set()  # numbers of what was being tried when somebody looked for what is lost
        self.unsaid: dict[str, str] = {}  # serials and keys of what nobody wants, of which Redis does not know yet
        theirs: Any = self.scripts["dispatch"].script
        self.scripts["dispatch"] = self.client.register_script(_BEFORE_THEIRS + theirs)

    @property
    def consumer_class(self) -> type[_Consumer]:
        return _Consumer

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put it into its queue, numbered by its envelope's serial: so it is there once, however often it is put."""
        serial = message.args[0].get("serial")
        number = serial if isinstance(serial, str) else message.message_id
        queue = message.queue_name
        options: dict[str, Any] = {"redis_message_id": number}
        if delay is not None:
            queue = dq_name(queue)
            options["eta"] = current_millis() + delay
        copy = message.copy(queue_name=queue, options=options)
        instead = [_gone(serial) for serial in copy.options.pop(INSTEAD, ())]
        self.do_enqueue(queue, number, copy.encode(), *instead)
        return copy

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        try:
            self.take_up(queue_name, set())
        except RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        return super().consume(queue_name, prefetch, timeout)

    def take_up(self, queue_name: str, known: Collection[str]) -> None:
        """Put back into its queue what Redis counts as ours, but for what is known or being tried."""
        found: Any = self.client.smembers(f"{NAMESPACE}:__acks__.{self.broker_id}.{queue_name}")
        ours = {number.decode() for number in found}
        self.kept |= ours & self._turns.taken
        if lost := ours.difference(known, self.kept):
            self.do_requeue(queue_name, *lost)

    def do_fetch(self, queue_name: str, prefetch: int) -> list[bytes]:
        """Return the bodies of the next messages; what is none would stop the queue, and becomes a dead letter."""
        self.say()
        fetched: list[bytes] = self._dispatch("fetch")(queue_name, prefetch)  # type: ignore[no-untyped-call]
        return [body for body in fetched if body is None or not self._set_aside(queue_name, body)]

    def say(self) -> None:
        """Let all workers know what nobody wants, as far as they do not yet."""
        for serial, key in list(self.unsaid.items()):
            both = self.client.pipeline()
            both.set(_gone(serial), "1", ex=int(LONGEST_WISH))
            both.delete(_mark(key))
            both.execute()
            self.unsaid.pop(serial, None)

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
        self.turns = Turns()
        self._broker = _Broker(
            self.turns,
            client=self._client,
            middleware=[CurrentMessage()],
            namespace=NAMESPACE,
            heartbeat_timeout=HEARTBEAT,
            maintenance_chance=MAINTENANCE,
            dead_message_ttl=FOR_EVER,
        )
        self.broker: Broker = self._broker

    def close(self) -> None:
        self.broker.close()
        self._client.connection_pool.disconnect()

    def known(self, key: str) -> str:
        self._broker.say()  # what was put of this key, and is not wanted, counts for nothing
        return (self._client.get(_mark(key)) or b"").decode()

    def note(self, key: str, what: str, seconds: float) -> None:
        both = self._client.pipeline()
        both.set(_mark(key), what, px=max(int(seconds * 1000), 1))
        both.incr(NOTED)
        both.execute()

    def forget(self, key: str) -> None:
        self._client.delete(_mark(key))

    def is_over(self, key: str, serial: str) -> bool:
        if serial in self._broker.unsaid:
            return True
        mark, gone = self._client.mget(_mark(key), _gone(serial))
        return gone is not None or mark == b"sent"

    def replaced(self, serial: str, seconds: float = REPLACED) -> None:
        self._client.set(_gone(serial), "1", ex=int(seconds))

    def unwanted(self, key: str, serial: str) -> None:
        self._broker.unsaid[serial] = key

    def say(self) -> None:
        self._broker.say()

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
        """Yield the envelopes of a queue and their ids, each once, but for what is over and only lies there still.

        Some of them at a time are in memory.
        """
        seen: set[int] = set()  # a scan may return one twice
        scan = self._client.hscan_iter(_messages(queue), count=PAGE)
        while page := list(islice(scan, PAGE)):
            gone = self._client.mget([_gone(number.decode("utf-8", "replace")) for number, _ in page])
            for (number, body), is_over in zip(page, gone, strict=True):
                if is_over is None and hash(number) not in seen:
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
        version = str(self._client.info("server").get("redis_version", ""))
        if version.partition(".")[0] in ("2", "3", "4"):
            found.append(f"Nothing can be put into this Redis {version}: install version 5 or newer.")
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
