"""The one thread that writes: nothing that it was given is lost, written twice, or told wrongly."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from delivery_kit import until

from misp_workflow.delivery.outbox.on_disk import writer as module
from misp_workflow.delivery.outbox.on_disk.writer import Busy, Writer


class Disk:
    """A database in memory that can be told to refuse."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("CREATE TABLE things (name TEXT)")
        self.refuses = False
        self.commits = 0
        self.ended: list[bool] = []
        self.asked = threading.Event()
        self.slow = threading.Event()
        self.slow.set()

    def connect(self) -> sqlite3.Connection:
        self.asked.set()
        self.slow.wait(10)
        self.commits += 1
        if self.refuses:
            raise sqlite3.OperationalError("database or disk is full")
        return self.connection

    def store(self, db: sqlite3.Connection, things: list[str]) -> list[str]:
        db.executemany("INSERT INTO things VALUES (?)", [(thing,) for thing in things])
        if "bad" in things:
            raise sqlite3.IntegrityError("bad")
        return [f"stored {thing}" for thing in things]

    def names(self) -> list[str]:
        return sorted(row[0] for row in self.connection.execute("SELECT name FROM things"))


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.connection.close()


@pytest.fixture
def writer(disk: Disk) -> Iterator[Writer]:
    made = Writer(disk.connect, lambda error: False, disk.store, disk.ended.append)
    yield made
    disk.slow.set()
    made.close(5)


def soon() -> float:
    return time.monotonic() + 30


def insert(name: str):
    return lambda db: db.execute("INSERT INTO things VALUES (?)", (name,))


def test_each_caller_hears_of_its_own_thing(disk: Disk, writer: Writer) -> None:
    names = [f"t{n:03}" for n in range(400)]
    with ThreadPoolExecutor(16) as callers:
        assert list(callers.map(lambda name: writer.put(name, soon()), names)) == [f"stored {name}" for name in names]
    assert disk.names() == names


def test_what_comes_while_the_disk_is_busy_shares_one_commit(disk: Disk, writer: Writer) -> None:
    disk.slow.clear()
    with ThreadPoolExecutor(16) as callers:
        first = callers.submit(writer.put, "first", soon())
        assert disk.asked.wait(20)
        others = [callers.submit(writer.put, f"t{n}", soon()) for n in range(15)]
        until(lambda: writer._orders.qsize() == 15)
        disk.slow.set()
        assert all(one.result() for one in (first, *others))
    assert disk.commits == 2


def test_what_its_caller_gave_up_while_others_were_tried_one_by_one_is_not_written(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that lasts made all of one commit fail; each was waited for anew, and a worker sent what MISP had no for."""
    monkeypatch.setattr(module, "MOMENT", 0.05)
    goes_on = threading.Event()

    def locked() -> sqlite3.Connection:
        disk.commits += 1
        if disk.commits == 2:
            raise sqlite3.OperationalError("database is locked")
        if disk.commits == 3:
            goes_on.wait(30)
        return disk.connection

    disk.slow.clear()
    with ThreadPoolExecutor(3) as callers:
        zero = callers.submit(writer.put, "zero", soon())
        assert disk.asked.wait(20)
        first = callers.submit(writer.put, "first", soon())
        until(lambda: writer._orders.qsize() == 1)
        second = callers.submit(writer.put, "second", time.monotonic() + 3)
        until(lambda: writer._orders.qsize() == 2)
        writer._connect = locked
        disk.slow.set()
        assert zero.result()
        with pytest.raises(Busy):
            second.result()
        goes_on.set()
        assert first.result() == "stored first"
    assert writer.put("third", soon()) == "stored third"
    assert disk.names() == ["first", "third", "zero"]


class Clock:
    """Time that, when it is slept away, brings what the test lets come meanwhile."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.meanwhile: list[Callable[[], object]] = []
        self.slept = 0

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        while self.meanwhile:
            self.meanwhile.pop()()


@contextmanager
def crowd(disk: Disk, writer: Writer) -> Iterator[tuple[Callable[..., None], list[Future[str]]]]:
    """Let several write at once; yield what lets more of them come, and all that was asked."""
    with ThreadPoolExecutor(16) as callers:

        def also(*names: str) -> None:
            asked.extend(callers.submit(writer.put, name, soon()) for name in names)
            until(lambda: writer._orders.qsize() == len(names))

        disk.slow.clear()
        asked = [callers.submit(writer.put, "first", soon())]
        assert disk.asked.wait(20)
        also("t1", "t2")
        disk.slow.set()
        assert all(one.result() for one in asked)
        yield also, asked


def test_in_a_crowd_a_write_waits_for_the_next_ones_and_alone_it_does_not(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    with crowd(disk, writer) as (also, asked):
        assert (disk.commits, clock.slept) == (2, 0)

        clock.meanwhile.append(lambda: also("t4", "t5"))
        writer.put("t3", soon())
        assert all(one.result() for one in asked)
        assert (disk.commits, clock.slept) == (3, 1)

        for number, name in enumerate(("last of many", "alone", "alone again")):
            writer.put(name, soon())
            assert (disk.commits, clock.slept) == (4 + number, 2)


def test_what_nobody_waits_for_ends_no_crowd_and_needs_none(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "COMPANY", 30)
    with crowd(disk, writer) as (also, asked):
        until(lambda: writer._crowded)
        clock.meanwhile.append(lambda: also("t4"))
        writer.later(insert("by the way"))
        writer.put("t3", soon())
        assert all(one.result() for one in asked)
        assert (disk.commits, clock.slept) == (3, 1)
        assert "by the way" in disk.names()


def test_in_a_crowd_it_wakes_by_itself_for_what_nobody_waits_for(disk: Disk, writer: Writer) -> None:
    disk.slow.clear()
    with ThreadPoolExecutor(16) as callers:
        asked = [callers.submit(writer.put, "first", soon())]
        assert disk.asked.wait(20)
        asked += [callers.submit(writer.put, name, soon()) for name in ("t1", "t2")]
        until(lambda: writer._orders.qsize() == 2)
        disk.slow.set()
        assert all(one.result() for one in asked)
    writer.later(insert("by the way"))
    until(lambda: "by the way" in disk.names())


def test_what_nobody_waits_for_is_written_however_many_ask_at_once(disk: Disk, writer: Writer) -> None:
    for round_ in range(20):
        with ThreadPoolExecutor(8) as callers:
            list(callers.map(lambda n, r=round_: writer.later(insert(f"{r:02}-{n}")), range(8)))
        until(lambda r=round_: len(disk.names()) == 8 * (r + 1))


def test_jobs_of_a_commit_come_before_what_is_stored_in_it(disk: Disk, writer: Writer) -> None:
    disk.slow.clear()
    writer.later(lambda db: db.execute("DELETE FROM things"))
    with ThreadPoolExecutor(1) as caller:
        stored = caller.submit(writer.put, "new", soon())
        assert disk.asked.wait(20)
        disk.slow.set()
        assert stored.result() == "stored new"
    assert disk.names() == ["new"]


def test_one_that_cannot_be_stored_takes_no_other_with_it(disk: Disk, writer: Writer) -> None:
    disk.slow.clear()
    with ThreadPoolExecutor(8) as callers:
        found = {name: callers.submit(writer.put, name, soon()) for name in ("a", "bad", "c", "d")}
        assert disk.asked.wait(20)
        disk.slow.set()
        assert [found[name].result() for name in "acd"] == ["stored a", "stored c", "stored d"]
        with pytest.raises(sqlite3.IntegrityError):
            found["bad"].result()
    assert disk.names() == ["a", "c", "d"]


def test_what_was_given_up_is_not_written_later(disk: Disk, writer: Writer) -> None:
    disk.slow.clear()
    with ThreadPoolExecutor(1) as first:
        busy = first.submit(writer.put, "first", soon())
        assert disk.asked.wait(20), "the writer has it in hand"
        with pytest.raises(Busy):
            writer.put("second", time.monotonic() + 0.05)
        disk.slow.set()
        busy.result()
    writer.put("third", soon())
    assert disk.names() == ["first", "third"]


def test_what_the_disk_refuses_is_written_when_it_takes_it_again(
    disk: Disk, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRY_AGAIN_AFTER", 0.05)
    disk.refuses = True
    writer.later(insert("stubborn"))
    until(lambda: disk.commits >= 3)
    with pytest.raises(sqlite3.OperationalError):
        writer.put("impatient", soon())
    disk.refuses = False
    until(lambda: disk.names() == ["stubborn"])


def test_the_end_writes_what_is_left_and_takes_no_more(disk: Disk) -> None:
    writer = Writer(disk.connect, lambda error: False, disk.store, disk.ended.append)
    for n in range(300):
        writer.later(insert(f"{n:03}"))
    writer.close(10)
    assert len(disk.names()) == 300
    with pytest.raises(Busy):
        writer.put("late", soon())
    with pytest.raises(Busy):
        writer.later(insert("late"))
