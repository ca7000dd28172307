"""Many callers share one commit of the outbox: each is told the truth of its own, also when the commit goes wrong."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from delivery_kit import until

from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.errors import DeliveryError

MIB = 1024 * 1024


@pytest.fixture
def box(state: Path) -> Iterator[SqliteOutbox]:
    made = SqliteOutbox(state, window=600.0, max_bytes=3 * MIB)
    made.put([item("first")], soon())
    yield made
    made.close()


class Busy:
    """Keeps the writer busy until `free`, so that what is asked meanwhile goes into one commit."""

    def __init__(self, box: SqliteOutbox) -> None:
        self._box = box
        self._free = threading.Event()
        begun = threading.Event()
        self._pool = ThreadPoolExecutor(40)
        self._pool.submit(box._disk.writer.run, lambda db: (begun.set(), self._free.wait(20)), soon())
        assert begun.wait(20)
        self._asked = 0

    def ask(self, work, *values) -> Future:
        found = self._pool.submit(work, *values)
        self._asked += 1
        until(lambda: self._box._disk.writer._orders.qsize() == self._asked)
        return found

    def free(self) -> None:
        self._free.set()
        self._pool.shutdown(wait=True)


def item(key: str, body: str = "text", **more) -> Item:
    effect = Post(label="test", url="http://127.0.0.1:9/", body=body)
    return Item(parcel=Parcel(key=key, effect=effect, action="test", created=time.time()), lane="a", max_age=99, **more)


def soon() -> float:
    return time.monotonic() + 30


def keys(box: SqliteOutbox) -> list[str]:
    return sorted(entry.key for entry in box.entries())


def test_the_same_put_twice_is_taken_once(box: SqliteOutbox) -> None:
    busy = Busy(box)
    found = [busy.ask(box.put, [item("same"), item(f"other {n}")], soon()) for n in range(3)]
    busy.free()
    assert [one.result() for one in found] == [["taken", "taken"], ["waiting", "taken"], ["waiting", "taken"]]
    assert keys(box) == ["first", "other 0", "other 1", "other 2", "same"]


def test_when_a_bundle_goes_is_asked_once_for_all_that_come_together(box: SqliteOutbox) -> None:
    box.put([item("slow 0", gather=50.0)], soon())
    asked: list[str] = []
    box._disk.run(lambda db: db.set_trace_callback(asked.append), soon())
    busy = Busy(box)
    found = [busy.ask(box.put, [item(f"slow {n}", gather=50.0), item(f"new {n}", gather=70.0)], soon()) for n in (1, 2)]
    busy.free()
    assert [one.result() for one in found] == [["taken", "taken"]] * 2
    assert len([one for one in asked if one.lstrip().startswith("SELECT due")]) == 2
    due: dict[str, set[float]] = {}
    for entry in box.entries():
        due.setdefault(entry.key.split()[0], set()).add(entry.due)
    assert len(due["slow"]) == len(due["new"]) == 1
    assert max(due["slow"]) < min(due["new"])
    assert keys(box) == ["first", "new 1", "new 2", "slow 0", "slow 1", "slow 2"]


def test_more_than_one_statement_holds(box: SqliteOutbox) -> None:
    items = [item(f"k{n:03}") for n in range(150)]
    assert box.put([*items, item("first")], soon()) == ["taken"] * 150 + ["waiting"]
    assert len(keys(box)) == 151


def test_the_size_is_kept_however_many_come_at_once(box: SqliteOutbox) -> None:
    busy = Busy(box)
    found = [busy.ask(box.put, [item(f"k{n}", "x" * MIB)], soon()) for n in range(8)]
    busy.free()
    refused = [one for one in found if one.exception() is not None]
    assert 5 <= len(refused) < 8
    assert all("is full" in str(one.exception()) for one in refused)
    assert box.totals().bytes_used < 4 * MIB


@pytest.mark.parametrize("hold", [False, True])
def test_what_was_refused_for_want_of_time_is_not_sent_later(box: SqliteOutbox, state: Path, hold: bool) -> None:
    other = sqlite3.connect(state / "outbox.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as caller:
        late = caller.submit(box.put, [item("late", hold=hold)], time.monotonic() + 0.2)
        assert isinstance(late.exception(), DeliveryError)  # a second later: it could not be taken back
    other.execute("COMMIT")
    other.close()
    box.put([item("next")], soon())
    until(lambda: keys(box) == ["first", "next"])


def test_a_caller_that_gives_up_takes_no_others_effect_with_it(
    box: SqliteOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, go_on, store = threading.Event(), threading.Event(), box._disk.writer._store

    def slowly(db, puts):
        found = store(db, puts)
        stored.set()
        go_on.wait(20)
        return found

    busy = Busy(box)
    monkeypatch.setattr(box._disk.writer, "_store", slowly)
    patient = busy.ask(box.put, [item("same")], soon())
    hasty = busy.ask(box.put, [item("same")], time.monotonic() + 0.5)
    busy._free.set()
    assert stored.wait(20)
    assert isinstance(hasty.exception(), DeliveryError)
    go_on.set()
    assert patient.result() == ["taken"]
    box.put([item("next")], soon())
    time.sleep(0.2)  # for the hasty one's change
    assert keys(box) == ["first", "next", "same"]


def test_what_a_lost_transaction_claimed_can_be_claimed_again(box: SqliteOutbox) -> None:
    def broken(db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    busy = Busy(box)
    claim = busy.ask(box.claim, ())
    bad = busy.ask(box._disk.writer.run, broken, soon())
    busy.free()
    assert isinstance(bad.exception(), sqlite3.OperationalError)
    again = claim.result() or box.claim(())
    assert again is not None
    assert again.keys == ("first",)


def test_a_lease_that_was_not_written_is_written_again(
    box: SqliteOutbox, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Once:
        """A connection whose first COMMIT finds the disk full."""

        def __init__(self, real: sqlite3.Connection) -> None:
            self.real, self.failed = real, False

        def execute(self, statement: str, *values):
            if statement == "COMMIT" and not self.failed:
                self.failed = True
                raise sqlite3.OperationalError("database or disk is full")
            return self.real.execute(statement, *values)

    full = Once(box._disk.file.write())
    monkeypatch.setattr(box._disk.writer, "_connect", lambda: full)
    assert box.put([item("held", hold=True)], soon()) == ["taken"]
    assert full.failed
    other = SqliteOutbox(state, window=600.0, max_bytes=3 * MIB)
    try:
        claim = other.claim(())
        assert claim is not None
        assert claim.keys == ("first",)
        assert other.claim(()) is None, "the other one is tried by a process that lives"
    finally:
        other.close()


def test_a_disk_that_cannot_even_be_mended_does_not_end_the_writer(
    box: SqliteOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mend(error: sqlite3.Error) -> bool:
        raise PermissionError(13, "no right to rename")

    def broken(db: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(box._disk.writer, "_mend", mend)
    with pytest.raises(sqlite3.DatabaseError):
        box._disk.writer.run(broken, soon())
    assert box.put([item("next")], soon()) == ["taken"]


def test_one_that_is_there_already_spoils_none_that_are_new(box: SqliteOutbox) -> None:
    """One statement is tried for all; what it could not take is then found out for each."""
    busy = Busy(box)
    asked = [busy.ask(box.put, [item(key), item(f"{key} too")], soon()) for key in ("new", "first", "new", "other")]
    busy.free()
    told = [future.result() for future in asked]
    assert told == [["taken", "taken"], ["waiting", "taken"], ["waiting", "waiting"], ["taken", "taken"]]
    keys = {entry.key for entry in box.entries()}
    assert keys == {"first", "first too", "new", "new too", "other", "other too"}
