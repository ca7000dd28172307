"""The ledger in the Redis that carries the outbox, for all machines that share it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson
import redis
from redis.exceptions import RedisError, ResponseError

from misp_workflow.delivery.ledger.background import Background
from misp_workflow.delivery.ledger.base import WHOLE, Sent, time_of
from misp_workflow.errors import DeliveryError
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")

NAMESPACE = "misp-workflow:sent:"

# One step, so that two machines that speak of the same item leave the later word, the first time and a known id.
_NOTE = """
for i = 2, #ARGV, 2 do
    local old = redis.call('HGET', KEYS[1], ARGV[i])
    local new = cjson.decode(ARGV[i + 1])
    local sound, before = pcall(cjson.decode, old)
    if sound and type(before) == 'table' and type(before.at) == 'number' and type(before.id) == 'string' then
        local earlier = tonumber(before.said) or 0
        if earlier > new.said or (earlier == new.said and before.at > new.at) then
            new = before
        else
            new.first = before.first or new.first
            if new.id == '' then new.id = before.id end
        end
    end
    redis.call('HSET', KEYS[1], ARGV[i], cjson.encode(new))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""


class RedisLedger:
    """See `Ledger`: a hash for each event, which Redis forgets `max_age` seconds after the last word about it."""

    def __init__(self, url: str, max_age: float) -> None:
        self._client: Any = redis.Redis.from_url(url, socket_connect_timeout=2.0, socket_timeout=5.0)
        self._max_age = max_age
        self._note = self._client.register_script(_NOTE)
        # Whatever a Redis says of itself passes: its memory or disk is full, another one has taken its place.
        self._background = Background(self._write, (RedisError, OSError), (), "in Redis")

    def note(self, rows: Sequence[Sent], *, now: bool = False) -> bool:
        rows = [row for row in rows if row.event]
        if not rows or self._max_age <= 0:
            return True
        return self._background.write_now(rows) if now else self._background.add(rows)

    def settle(self, patience: float) -> None:
        self._background.settle(patience)

    def of(self, event: str, destination: str = "") -> Iterator[Sent]:
        self._background.catch_up(event)
        match = f"{_glob(destination)}\n*" if destination else None
        oldest, seen = time.time() - self._max_age, set()
        try:
            for field, value in self._client.hscan_iter(NAMESPACE + event, match=match, count=500):
                if field not in seen:
                    seen.add(field)
                    sent = _sent(event, field, value)
                    if sent is not None and sent.at > oldest and sent.item != WHOLE:
                        yield sent
        except (RedisError, OSError) as error:
            raise _unread(error) from None

    def items(self, event: str, destination: str, items: Collection[str]) -> dict[str, Sent]:
        self._background.catch_up(event)
        wanted = list(items)
        found: dict[str, Sent] = {}
        try:
            for start in range(0, len(wanted), 500):
                fields = [f"{destination}\n{item}" for item in wanted[start : start + 500]]
                for field, value in zip(fields, self._client.hmget(NAMESPACE + event, fields), strict=True):
                    if value is not None and (sent := _sent(event, field.encode(), value)) is not None:
                        found[sent.item] = sent
        except (RedisError, OSError) as error:
            raise _unread(error) from None
        return found

    def losses(self) -> list[str]:
        return []

    def close(self) -> None:
        self._background.close()
        self._client.connection_pool.disconnect()

    def _write(self, rows: Sequence[Sent]) -> None:
        events: dict[str, list[str | bytes]] = {}
        for row in rows:
            told = {"action": row.action, "id": row.id, "key": row.key, "withdrawn": row.withdrawn}
            value = orjson.dumps({**told, "first": row.first, "at": row.at, "said": row.said or row.at})
            events.setdefault(row.event, []).extend((f"{row.destination}\n{row.item}", value))
        for event, values in events.items():
            for start in range(0, len(values), 1000):
                some: list[str | bytes] = [str(int(self._max_age * 1000)), *values[start : start + 1000]]
                try:
                    self._note(keys=[NAMESPACE + event], args=some)
                except ResponseError as error:
                    if "WRONGTYPE" not in str(error):
                        raise
                    LOG.error("Rows of event %s are lost: %s holds something else in Redis.", event, NAMESPACE + event)


def _glob(text: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\^" else c for c in text)


def _sent(event: str, field: bytes, value: bytes) -> Sent | None:
    """Return what a field of the event's hash says; None, said in the log, when that is damaged: that row is lost."""
    destination, _, item = field.decode("utf-8", "replace").partition("\n")
    try:
        told = orjson.loads(value)
        return Sent(
            event=event,
            destination=destination,
            item=item,
            action=str(told["action"]),
            id=str(told["id"]),
            key=str(told["key"]),
            withdrawn=bool(told["withdrawn"]),
            first=time_of(told["first"]),
            at=time_of(told["at"]),
            said=time_of(told.get("said")),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        LOG.error("A row of the ledger in Redis is damaged, and lost: event %s, destination %s.", event, destination)
        return None


def _unread(error: Exception) -> DeliveryError:
    return DeliveryError(f"The ledger in Redis cannot be read ({error}).")
