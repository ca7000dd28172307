"""The SQLite outbox by itself: the life of an effect, digests, and several at once."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlite_kit import SetClock, item, keys, put, settled

from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox import sqlite as sqlite_outbox
from misp_workflow.delivery.outbox.on_disk import writer
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Post
from misp_workflow.errors import DeliveryError

# --- the life of an effect --------------------------------------------------------------------------------------------


def test_put_claim_done(box: SqliteOutbox) -> None:
    assert put(box, item("a"), item("b")) == ["taken", "taken"]
    claim = box.claim(())
    assert claim is not None
    assert claim.parcel.effect == item("a").parcel.effect
    assert (claim.parcel.key, claim.lane, claim.tries, claim.parcel.event) == ("a", "chat", 0, "uuid-1")
    assert [entry.state for entry in box.entries()] == ["sending", "waiting"]
    box.done(claim)
    assert keys(box) == ["b"]
    assert put(box, item("a")) == ["sent"]


def test_a_claim_is_for_one_only(box: SqliteOutbox, new) -> None:
    put(box, item("a"))
    other = new()
    assert box.claim(()) is not None
    assert box.claim(()) is None
    assert other.claim(()) is None


def test_what_is_held_at_put_is_nobody_elses(box: SqliteOutbox, new) -> None:
    put(box, item("a", hold=True))
    assert box.claim(()) is None
    assert new().claim(()) is None


def test_again_waits_and_counts(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a"))
    box.again(box.claim(()), 10.0, "It was down.")
    settled(box)
    assert box.claim(()) is None
    (entry,) = box.entries()
    assert (entry.tries, entry.reason, entry.due) == (1, "It was down.", clock.now + 10)
    clock.passes(11)
    claim = box.claim(())
    assert claim is not None
    assert claim.tries == 1


def test_dead_letters_keep_their_reason_and_can_live_again(box: SqliteOutbox) -> None:
    put(box, item("a"))
    box.bury(box.claim(()), "404.")
    settled(box)
    (entry,) = box.entries("dead")
    assert (entry.state, entry.reason, entry.tries) == ("dead", "404.", 1)
    assert box.claim(()) is None
    assert box.requeue(["a", "nothing"]) == 1
    claim = box.claim(())
    assert claim is not None
    assert claim.tries == 0


def test_a_dead_one_does_not_stop_the_same_from_being_put(box: SqliteOutbox) -> None:
    put(box, item("a"))
    box.bury(box.claim(()), "404.")
    settled(box)
    assert put(box, item("a")) == ["taken"]


def test_drop_and_show(box: SqliteOutbox) -> None:
    put(box, item("a"), item("b"))
    entry, effect = box.show("a")
    assert (entry.label, effect) == ("message a", item("a").parcel.effect)
    assert [entry.key for entry in box.drop(["a", "nothing"])] == ["a"]
    assert keys(box) == ["b"]
    with pytest.raises(KeyError):
        box.show("a")


def test_lanes_are_avoided_and_served_in_turn(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a1", "a"), item("a2", "a"))
    clock.passes(1)
    put(box, item("b1", "b"))
    first = box.claim({"a"})
    assert first is not None
    assert first.lane == "b"
    assert box.claim({"a", "b"}) is None
    assert box.pause({"a", "b"}) > 0
    assert box.pause(()) == 0


def test_forgetting_is_for_the_holder(box: SqliteOutbox) -> None:
    put(box, item("a", hold=True), item("b"))
    box.forget("a", time.monotonic() + 10)
    box.forget("b", time.monotonic() + 10)
    assert keys(box) == ["b"]


def test_numbers(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, item("a", "x"), item("b", "x"), item("c", "y"))
    box.done(box.claim(()))
    box.bury(box.claim(()), "no")
    settled(box)
    totals = box.totals()
    assert totals.counts == {("x", "dead"): 1, ("y", "waiting"): 1}
    assert totals.ended == {("x", "sent"): 1, ("x", "dead"): 1}
    assert totals.oldest == clock.now
    assert 0 < totals.bytes_used < totals.bytes_most


# --- digests ----------------------------------------------------------------------------------------------------------


def chat(key: str, text: str, **changes) -> Item:
    effect = Post(label="chat", url="http://127.0.0.1:9/", json={"text": text}, digest=("json.text",))
    return item(key, effect=effect, gather=60.0, **changes)


def test_a_batch_is_the_same_at_every_try(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, chat("a", "one"))
    clock.passes(59)
    put(box, chat("b", "two"))
    assert box.claim(()) is None
    clock.passes(2)
    first = box.claim(())
    assert first is not None
    assert first.parcel.effect.json == {"text": "2 messages in 61 s:\none\ntwo"}
    put(box, chat("c", "three"))  # comes too late for this batch
    box.again(first, 5.0, "down")
    settled(box)
    clock.passes(6)
    second = box.claim(())
    assert second is not None
    assert (second.parcel.key, second.keys) == (first.parcel.key, ("a", "b"))
    box.done(second)
    settled(box)
    clock.passes(60)
    third = box.claim(())
    assert third is not None
    assert third.parcel.effect.json == {"text": "three"}
    assert third.parcel.key == "c"


def test_what_is_to_wait_for_less_does_not_wait_for_those_before(box: SqliteOutbox, clock: SetClock) -> None:
    """The settings said an hour, and now five seconds: so MISP was told."""
    put(box, chat("slow", "one"))
    put(box, dataclasses.replace(chat("quick", "two"), gather=5.0))
    clock.passes(6)
    first = box.claim(())
    assert first is not None
    assert first.keys == ("quick",)
    assert box.claim(()) is None
    clock.passes(60)
    assert (second := box.claim(())) is not None
    assert second.keys == ("slow",)


DAY = 86_400.0


def by_clock(key: str, gather: float, name: str = "08:00 ", **changes) -> Item:
    return dataclasses.replace(chat(key, key, **changes), gather=gather, clock=name)


def test_what_waits_for_longer_than_its_age_is_sent_all_the_same(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, by_clock("a", 7 * DAY, max_age=3 * DAY), by_clock("once", 7 * DAY, "other", max_age=0.0))
    clock.passes(7 * DAY - 1)
    assert box.claim(()) is None
    assert box.tidy() == []
    clock.passes(2)
    claims = [box.claim(()), box.claim(())]
    assert {claim.parcel.key: claim.last for claim in claims} == {"a": False, "once": True}


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_time_of_the_day_stays_when_the_clock_is_set(box: SqliteOutbox, clock: SetClock, jump: float) -> None:
    put(box, by_clock("a", 2 * 3600.0))
    due = box.entries()[0].due
    clock.jumps(jump)
    put(box, item("any write notices"))
    assert {entry.key: entry.due for entry in box.entries()}["a"] == due
    assert not box.tidy()


def test_two_clocks_and_seconds_stand_apart(box: SqliteOutbox, clock: SetClock) -> None:
    put(box, by_clock("morning", 100.0), by_clock("noon", 300.0, "12:00 "), chat("seconds", "seconds"))
    for passes, key in ((61, "seconds"), (40, "morning"), (200, "noon")):
        clock.passes(passes)
        claim = box.claim(())
        assert claim.keys == (key,)
        box.done(claim)
        settled(box)


# --- several at once --------------------------------------------------------------------------------------------------


def test_a_disk_that_hangs_is_said_in_time_and_nothing_is_kept(box: SqliteOutbox) -> None:
    put(box, item("a"))
    going, release = threading.Event(), threading.Event()
    box._disk.writer.later(lambda db: (going.set(), release.wait(30)))
    going.wait(10)
    with pytest.raises(DeliveryError, match="did not take it in time"):
        box.put([item("b")], time.monotonic() + 0.2)
    release.set()
    assert keys(box) == ["a"]


def test_what_is_claimed_is_heard_of_however_late(box: SqliteOutbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else this process would hold it, and nobody would ever try it."""
    monkeypatch.setattr(sqlite_outbox, "CHANGE_PATIENCE", 0.0)
    monkeypatch.setattr(writer, "MOMENT", 0.0)
    monkeypatch.setattr(writer._Order, "take_back", lambda order: False)  # the disk has it already
    put(box, item("a"))
    claim = box.claim(())
    assert claim is not None
    assert claim.keys == ("a",)


def test_taking_back_leaves_what_was_put_since(box: SqliteOutbox) -> None:
    going, release = threading.Event(), threading.Event()
    box._disk.writer.later(lambda db: (going.set(), release.wait(30)))
    put_soon = threading.Timer(0.5, release.set)
    going.wait(10)
    with pytest.raises(DeliveryError):
        box.put([item("a")], time.monotonic() + 0.1)
    put_soon.start()
    assert put(box, item("a"), item("b")) == ["taken", "taken"]
    settled(box)
    time.sleep(0.2)
    assert keys(box) == ["a", "b"]
    put_soon.join()


WORKER = """
import sys, time
from pathlib import Path
from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
folder, name, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
box = SqliteOutbox(folder, window=600.0, max_bytes=10**8)
for n in range(number):
    parcel = Parcel(key=f"{name}-{n}", effect=Post(label="x", url="http://x/"), action="a", created=0.0)
    box.put([Item(parcel=parcel, lane=f"lane {n % 3}", max_age=3600.0)], time.monotonic() + 60)
idle = 0
while idle < 15:
    claim = box.claim(())
    if claim is None:
        idle += 1
        time.sleep(0.1)
        continue
    idle = 0
    print(claim.parcel.key, flush=True)
    box.done(claim)
box.close()
"""


def test_processes_share_one_file_and_nothing_is_lost_or_done_twice(state: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(state), name, "100"], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two", "three")
    ]
    done = []
    for worker in workers:
        out, _ = worker.communicate(timeout=600)
        assert worker.returncode == 0
        done += out.split()
    assert sorted(done) == sorted(f"{name}-{n}" for name in ("one", "two", "three") for n in range(100))
