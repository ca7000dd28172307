"""Time in the SQLite outbox: windows, ages, leases, and clocks that jump."""

from __future__ import annotations

import pytest
from delivery_kit import until
from sqlite_kit import SetClock, item, keys, put, settled

from misp_workflow.delivery.lanes import Lanes
from misp_workflow.delivery.outbox import Claim
from misp_workflow.delivery.outbox import sqlite as sqlite_outbox
from misp_workflow.delivery.outbox.on_disk.lease import LEASE
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox


def test_the_window_ends(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a"))
    box.done(box.claim(()))
    settled(box)
    clock.passes(601)
    assert put(box, item("a")) == ["taken"]


def test_what_was_sent_is_forgotten_after_the_window(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a"))
    box.done(box.claim(()))
    settled(box)
    clock.passes(601)
    box.tidy()
    assert box._disk.read(lambda db: db.execute("SELECT count(*) FROM effects").fetchone()[0], -1) == 0


def test_age_kills_and_says_so(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a", max_age=100.0))
    box.again(box.claim(()), 1000.0, "It was down.")
    settled(box)
    assert box.tidy() == []
    clock.passes(101)
    (dead,) = box.tidy()
    assert (dead.key, dead.state, dead.reason) == ("a", "dead", "Given up after 101 s. It was down.")
    assert keys(box, "dead") == ["a"]


def test_a_lease_is_renewed_while_its_holder_lives_and_ends_with_it(box: SqliteOutbox, new, clock: SetClock) -> None:
    put(box, item("a"))
    other = new()
    assert box.claim(()) is not None
    for _ in range(10):
        clock.passes(LEASE / 2)
        box.tidy()
        assert other.claim(()) is None
    clock.passes(LEASE + 1)  # without a sign of life
    taken_over = other.claim(())
    assert taken_over is not None
    assert taken_over.parcel.key == "a"


def test_who_stood_still_takes_nothing_from_who_took_over(box: SqliteOutbox, new, clock: SetClock) -> None:
    """It let go of what the other was trying, so that a third one sent it, too; or called it dead meanwhile."""
    put(box, item("a"), item("b"), item("c"))
    before = [box.claim(()) for _ in range(3)]
    clock.passes(LEASE + 1)
    other, third = new(), new()
    now = [other.claim(()) for _ in range(3)]
    assert all(now)
    box.again(before[0], 0.0, "a late failure")
    box.bury(before[1], "a late refusal")
    box.done(before[2])
    assert keys(box) == ["a", "b"]
    assert third.claim(()) is None
    assert keys(box, "dead") == []
    other.again(now[2], 0.0, "it was sent by the first")
    assert keys(other) == ["a", "b"]
    other.done(now[0])
    other.bury(now[1], "refused")
    assert keys(other) == keys(other, "dead") == ["b"]


def test_a_bug_in_a_try_leaves_nothing_in_its_hands(box: SqliteOutbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counted as being tried until the process ended."""
    monkeypatch.setattr(sqlite_outbox, "AFTER_A_BUG", 0.0)
    tried: list[str] = []

    def handle(claim: Claim) -> None:
        tried.append(claim.parcel.key)
        if len(tried) == 1:
            raise KeyError("a bug")
        box.done(claim)

    put(box, item("a"))
    lanes = Lanes(lambda name: None, 1)
    workers = box.workers(1, handle, lanes.blocked, lambda entry: None)
    with pytest.raises(KeyError):
        workers._work()
    settled(box)
    until(lambda: workers._work() >= 0 and len(tried) == 2)
    assert tried == ["a", "a"]
    assert keys(box) == []


def test_closing_lets_go_at_once(box: SqliteOutbox, new) -> None:
    put(box, item("a"))
    assert box.claim(()) is not None
    box.close()
    assert new().claim(()) is not None


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400.0, -3600.0, 3600.0, 30 * 365 * 86_400.0])
def test_a_clock_that_jumps_neither_kills_nor_delays(box: SqliteOutbox, clock: SetClock, jump: float) -> None:
    put(box, item("a", max_age=3600.0), item("b", max_age=3600.0))
    claim = box.claim(())
    box.again(claim, 60.0, "down")
    settled(box)
    clock.jumps(jump)
    put(box, item("c"))  # any write notices
    assert box.tidy() == []
    assert box.claim(()).parcel.key == "b"
    assert box.claim(()).parcel.key == "c"
    assert box.claim(()) is None, "a waits its minute still"
    clock.passes(61)
    assert box.claim(()).parcel.key == "a"
    clock.passes(3600)
    box.tidy()
    assert keys(box, "dead") == [], "what is held is not dead"


def test_a_clock_that_jumps_is_followed_once_by_two_processes(box: SqliteOutbox, new, clock: SetClock) -> None:
    put(box, item("a"))
    other = new()
    put(other, item("b"))
    clock.jumps(86_400.0)
    put(box, item("c"))
    put(other, item("d"))
    assert {entry.created for entry in box.entries()} == {clock.now}


def test_a_restart_with_a_clock_in_the_past(box: SqliteOutbox, new, clock: SetClock) -> None:
    put(box, item("a"))
    box.again(box.claim(()), 60.0, "down")
    settled(box)
    box.close()
    clock.jumps(-50 * 365 * 86_400.0)
    clock.run, clock.since_boot = "second run", 10.0
    after = new()
    put(after, item("b"))
    assert {after.claim(()).parcel.key, after.claim(()).parcel.key} == {"a", "b"}
    assert after.tidy() == []
