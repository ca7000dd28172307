"""The same asked at once in two processes that share the outbox's file: the second hears what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver
from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.base import Claim, Still
from misp_workflow.delivery.outbox.on_disk import lease
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Receipt
from misp_workflow.testing.receiver import Receiver

LANE = "somewhere"
End = Callable[[SqliteOutbox, Parcel], None]


def forget(other: SqliteOutbox, tried: Parcel) -> None:
    other.forget(tried.key, time.monotonic() + 60)


def done(other: SqliteOutbox, tried: Parcel) -> None:
    other.done(Claim(parcel=tried, lane=LANE, keys=(tried.key,), tries=0))


def put_off(other: SqliteOutbox, tried: Parcel) -> None:
    other.again(Claim(parcel=tried, lane=LANE, keys=(tried.key,), tries=0), 600.0, "not now")


@pytest.fixture
def other(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteOutbox]:
    """The outbox as another process has it, which lives as long as this test."""
    monkeypatch.setattr(lease, "LEASE", 600.0)
    outbox = SqliteOutbox(state, window=600.0, max_bytes=2**28)
    yield outbox
    outbox.close()


@pytest.fixture
def second(other: SqliteOutbox, receiver: Receiver) -> Iterator[Callable[..., Future[list[Receipt]]]]:
    """Returns a function that asks for what the other process tries."""
    with ThreadPoolExecutor(1) as caller:

        def ask(tried: Parcel, seconds: float = 60.0) -> Future[list[Receipt]]:
            other.put([Item(parcel=tried, lane=LANE, max_age=600.0, hold=True)], time.monotonic() + 60)
            return caller.submit(deliver, [tried], deadline=time.monotonic() + seconds)

        yield ask


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set once somebody has looked how it stands with what another process tries."""
    event, still = threading.Event(), SqliteOutbox.still

    def look(outbox: SqliteOutbox, keys: Collection[str]) -> Still:
        told = still(outbox, keys)
        event.set()
        return told

    monkeypatch.setattr(SqliteOutbox, "still", look)
    return event


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [(forget, "delivered", ""), (done, "skipped", "Already sent"), (put_off, "skipped", "Already queued")],
)
def test_the_second_hears_what_became_of_it(
    end: End,
    status: str,
    said: str,
    other: SqliteOutbox,
    second: Callable[..., Future[list[Receipt]]],
    looked: threading.Event,
    receiver: Receiver,
) -> None:
    """It heard that the same waits to be delivered, and then it was refused, and nothing waited."""
    tried = parcel(receiver, "same")
    asked = second(tried)
    assert looked.wait(60)
    end(other, tried)
    (told,) = asked.result(60)
    assert told.status == status and told.detail.startswith(said), told
    assert len(receiver.requests) == (status == "delivered")


def test_what_ends_before_the_second_looks_does_not_wait_either(
    other: SqliteOutbox, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    tried, still = parcel(receiver, "same"), SqliteOutbox.still

    def look(outbox: SqliteOutbox, keys: Collection[str]) -> Still:
        forget(other, tried)
        return still(outbox, keys)

    monkeypatch.setattr(SqliteOutbox, "still", look)
    other.put([Item(parcel=tried, lane=LANE, max_age=600.0, hold=True)], time.monotonic() + 60)
    (told,) = deliver([tried], deadline=time.monotonic() + 60)
    assert told.status == "delivered"


def test_the_second_waits_no_longer_than_it_has_time(
    other: SqliteOutbox, second: Callable[..., Future[list[Receipt]]], receiver: Receiver
) -> None:
    tried = parcel(receiver, "same")
    (told,) = second(tried, 4.0).result(60)
    assert (told.status, told.detail.partition(":")[0]) == ("skipped", "Already on its way")
    forget(other, tried)


def test_what_only_waits_there_is_not_waited_for(other: SqliteOutbox, receiver: Receiver) -> None:
    tried = parcel(receiver, "same")
    other.put([Item(parcel=tried, lane=LANE, max_age=600.0, hold=True)], time.monotonic() + 60)
    put_off(other, tried)
    until(lambda: other.entries()[0].state == "waiting")
    (told,) = deliver([tried], deadline=time.monotonic() + 600)
    assert (told.status, told.detail.partition(":")[0]) == ("skipped", "Already queued")
