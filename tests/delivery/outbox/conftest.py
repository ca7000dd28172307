"""SQLite outboxes, each as another process would open it, and the clock that they look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_kit import MIB, SetClock

from misp_workflow.delivery.outbox.sqlite import SqliteOutbox


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def opened() -> Iterator[list[SqliteOutbox]]:
    boxes: list[SqliteOutbox] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def new(state: Path, clock: SetClock, opened: list[SqliteOutbox]):
    """Returns a function that opens the outbox as another process would."""

    def make(**changes) -> SqliteOutbox:
        box = SqliteOutbox(state, **{"window": 600.0, "max_bytes": 16 * MIB, "clock": clock, **changes})
        opened.append(box)
        return box

    return make


@pytest.fixture
def box(new) -> SqliteOutbox:
    return new()
