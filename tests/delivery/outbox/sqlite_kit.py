"""What the tests of the SQLite outbox share."""

from __future__ import annotations

import time

from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.on_disk.clock import Clock
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post

SECRET = "xoxb-very-secret-token"
MIB = 1024 * 1024


class SetClock(Clock):
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now, self.since_boot, self.run = 1_800_000_000.0, 5_000.0, "first run"

    def wall(self) -> float:
        return self.now

    def steady(self) -> float:
        return self.since_boot

    def boot(self) -> str:
        return self.run

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.since_boot += seconds

    def jumps(self, seconds: float) -> None:
        self.now += seconds


def item(key: str, lane: str = "chat", **changes) -> Item:
    effect = Post(label=f"message {key}", url="http://127.0.0.1:9/", bearer=SECRET, json={"text": key})
    parcel = Parcel(key=key, effect=changes.pop("effect", effect), action="test", event="uuid-1", created=0.0)
    return Item(parcel=parcel, lane=lane, **{"max_age": 3600.0, **changes})


def put(box: SqliteOutbox, *items: Item) -> list[str]:
    return list(box.put(items, time.monotonic() + 10))


def settled(box: SqliteOutbox) -> None:
    """Return when everything that was noted before is on the disk."""
    box._disk.run(lambda db: None, time.monotonic() + 10)


def keys(box: SqliteOutbox, state: str = "") -> list[str]:
    settled(box)
    return [entry.key for entry in box.entries(state)]
