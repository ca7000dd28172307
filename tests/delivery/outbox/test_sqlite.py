"""The SQLite outbox by itself: what it keeps, through crashes, bad disks, bad clocks and old files."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery_kit import is_root, until

from misp_workflow.delivery.lanes import Lanes
from misp_workflow.delivery.outbox import Claim, Item
from misp_workflow.delivery.outbox import sqlite as sqlite_outbox
from misp_workflow.delivery.outbox.on_disk import schema, writer
from misp_workflow.delivery.outbox.on_disk.clock import Clock
from misp_workflow.delivery.outbox.on_disk.lease import LEASE
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.errors import DeliveryError

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


# --- time -------------------------------------------------------------------------------------------------------------


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
    until(lambda: workers._work() >= 0 and len(tried) == 2, 20)
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


# --- the file ---------------------------------------------------------------------------------------------------------


def test_nothing_secret_is_on_the_disk(box: SqliteOutbox, state: Path) -> None:
    put(box, item("a"), item("b"))
    box.bury(box.claim(()), "no")
    settled(box)
    for path in state.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_reading_where_nothing_was_ever_put_makes_nothing(box: SqliteOutbox, state: Path) -> None:
    assert box.entries() == []
    assert box.claim(()) is None
    assert box.totals().counts == {}
    assert not state.exists()


def test_an_older_file_is_migrated(state: Path, new) -> None:
    state.mkdir()
    sealer = new()
    blob = sealer._seal.close(item("old").parcel.effect)
    old = sqlite3.connect(state / "outbox.sqlite3", isolation_level=None)
    for statement in filter(str.strip, schema.STEPS[0].split(";\n")):
        old.execute(statement)
    old.execute("PRAGMA user_version = 1")
    old.execute(
        "INSERT INTO effects (key, state, lane, label, action, destination, event, created, expires, due, sealed)"
        " VALUES ('old', 'waiting', 'chat', 'message old', 'test', '', '', 1e9, 4e9, 1e9, ?)",
        (blob,),
    )
    old.close()
    box = new()
    assert [entry.key for entry in box.entries()] == ["old"]
    claim = box.claim(())
    assert claim is not None
    assert claim.parcel.key == "old"
    assert put(box, item("new")) == ["taken"]
    assert box._disk.run(lambda db: db.execute("PRAGMA user_version").fetchone()[0], time.monotonic() + 10) == len(
        schema.STEPS
    )


def test_a_file_of_a_newer_version_is_left_alone(box: SqliteOutbox, new, state: Path) -> None:
    put(box, item("a"))
    box.close()
    file = sqlite3.connect(state / "outbox.sqlite3")
    file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(DeliveryError, match="newer version"):
        put(new(), item("b"))
    assert (state / "outbox.sqlite3").exists()


@pytest.mark.parametrize("damage", ["no database", "holes"])
def test_a_corrupt_file_is_put_aside_and_a_new_one_begun(
    box: SqliteOutbox, new, state: Path, damage: str, caplog
) -> None:
    put(box, *(item(f"k{n}") for n in range(200)))
    box.close()
    path = state / "outbox.sqlite3"
    if damage == "no database":
        path.write_bytes(b"not a database at all" * 1000)
    else:
        raw = bytearray(path.read_bytes())
        raw[4096 * 3 : 4096 * 12] = os.urandom(4096 * 9)
        path.write_bytes(raw)
    after = new()
    assert put(after, item("new")) == ["taken"]
    assert keys(after) == ["new"]
    (notice,) = after.notices()
    assert "put aside as" in notice
    assert "was corrupt" in caplog.text
    assert len([path for path in state.glob("*corrupt*") if not path.name.endswith(("-wal", "-shm"))]) == 1


def test_a_file_that_breaks_while_it_is_read_is_put_aside_too(box: SqliteOutbox, new, state: Path) -> None:
    put(box, item("a"))
    box.close()
    after = new()
    (state / "outbox.sqlite3").write_bytes(b"garbage" * 5000)
    assert after.claim(()) is None
    until(lambda: after.notices() != [])
    assert put(after, item("new")) == ["taken"]


def test_a_file_that_somebody_removes_is_begun_anew(box: SqliteOutbox, state: Path) -> None:
    put(box, item("a"))
    for path in state.glob("outbox.sqlite3*"):
        path.unlink()
    assert put(box, item("b")) == ["taken"]
    assert keys(box) == ["b"]


def test_effects_sealed_with_a_lost_key_die_with_that_reason(box: SqliteOutbox, new, state: Path) -> None:
    put(box, item("a"))
    box.close()
    (state / "outbox.key").unlink()
    after = new()
    assert after.claim(()) is None
    assert keys(after, "dead") == ["a"]
    assert "sealed with another key" in after.entries()[0].reason


def test_a_key_from_the_settings_needs_no_file(new, state: Path) -> None:
    box = new(key="a long pass phrase of ours")
    put(box, item("a"))
    assert not (state / "outbox.key").exists()
    box.close()
    assert new(key="a long pass phrase of ours").claim(()) is not None


def test_a_short_key_is_refused(new) -> None:
    with pytest.raises(DeliveryError, match="at least 16 characters"):
        put(new(key="short"), item("a"))


def test_a_key_file_that_others_may_read_is_closed_again(box: SqliteOutbox, new, state: Path, caplog) -> None:
    put(box, item("a"))
    (state / "outbox.key").chmod(0o644)
    assert new().claim(()) is not None
    assert stat.S_IMODE((state / "outbox.key").stat().st_mode) == 0o600
    assert "Others could read the key file" in caplog.text


# --- no room ----------------------------------------------------------------------------------------------------------


def test_the_bound_refuses_and_drops_nothing(new) -> None:
    box = new(max_bytes=MIB)
    taken = 0
    with pytest.raises(DeliveryError, match=r"is full \(1 MiB, outbox.max_bytes\)"):
        for n in range(2000):
            put(box, item(f"k{n}", effect=Post(label="big", url="http://x/", body="x" * 4000)))
            taken += 1
    assert taken > 50
    assert len(keys(box)) == taken
    box.drop([f"k{n}" for n in range(20)])
    assert put(box, item("small")) == ["taken"]


def test_a_full_disk_refuses_and_what_was_accepted_goes_out_when_there_is_room(
    new, tmp_path: Path, state: Path
) -> None:
    with _tiny_disk(tmp_path, state):
        box = new()
        taken = []
        with pytest.raises(DeliveryError, match="the disk is full: make room"):
            for n in range(3000):
                put(box, item(f"k{n}", effect=Post(label="big", url="http://x/", body="x" * 3000)))
                taken.append(f"k{n}")
        assert len(taken) > 20
        assert keys_read(box) == taken
        ballast = state / "ballast"
        ballast.unlink()
        assert put(box, item("after")) == ["taken"]
        claimed: list[Claim] = []
        while claim := box.claim(()):
            claimed.append(claim)
            box.done(claim)
        assert sorted(claim.parcel.key for claim in claimed) == sorted([*taken, "after"])
        box.close()


def keys_read(box: SqliteOutbox) -> list[str]:
    return [entry.key for entry in box.entries()]


class _tiny_disk:
    """A file system of two megabytes, a part of which is ballast that the test can throw out."""

    def __init__(self, folder: Path, mount: Path) -> None:
        self.mount = mount

    def __enter__(self) -> None:
        if not is_root():
            pytest.skip("only root can mount the small file system that this test fills")
        self.mount.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(self.mount)], capture_output=True
        )
        if done.returncode:
            pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
        (self.mount / "ballast").write_bytes(b"x" * 900_000)

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.mount)], check=True)


def test_a_full_file_as_any_user(new, state: Path) -> None:
    """The same without root: SQLite itself is told that there are no more pages."""
    box = new()
    put(box, item("a"))
    box._disk.run(lambda db: db.execute("PRAGMA max_page_count = 60").fetchone(), time.monotonic() + 10)
    taken = ["a"]
    with pytest.raises(DeliveryError, match="the disk is full"):
        for n in range(1000):
            put(box, item(f"k{n}", effect=Post(label="big", url="http://x/", body="x" * 3000)))
            taken.append(f"k{n}")
    assert keys(box) == taken


def test_what_cannot_be_noted_on_a_full_disk_is_noted_later(new, state: Path, tmp_path: Path) -> None:
    with _tiny_disk(tmp_path, state):
        box = new()
        put(box, item("a"))
        claim = box.claim(())
        with (state / "more").open("wb", buffering=0) as more:
            try:
                while True:
                    more.write(b"x" * 512)
            except OSError:
                pass
        settle_again = [box.done(claim) for _ in range(1)]
        time.sleep(0.2)
        (state / "more").unlink()
        (state / "ballast").unlink()
        until(lambda: keys(box) == [])
        assert settle_again == [None]
        assert put(box, item("a")) == ["sent"]
        box.close()


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    said = _as_nobody(lambda: put(SqliteOutbox(folder, window=1, max_bytes=MIB, key="a long pass phrase"), item("a")))
    assert said.startswith(f"DeliveryError The outbox {folder}/outbox.sqlite3 cannot be written"), said
    assert "this user may not write there" in said


def test_a_file_that_may_not_be_written(box: SqliteOutbox, state: Path) -> None:
    put(box, item("a"))
    box.close()
    for path in [state, *state.parents]:
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    (state / "outbox.sqlite3").chmod(0o444)
    said = _as_nobody(lambda: put(SqliteOutbox(state, window=1, max_bytes=MIB, key="a long pass phrase"), item("b")))
    assert "this user may not write there" in said, said


def _as_nobody(task) -> str:
    """Run the task in a child process without rights; return its result or error as text."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child touches no thread of ours
        child = os.fork()
    if child == 0:
        try:
            if is_root():
                os.setgid(65534)
                os.setuid(65534)
            said = repr(task())
        except BaseException as error:
            said = f"{type(error).__name__} {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


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
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        done += out.split()
    assert sorted(done) == sorted(f"{name}-{n}" for name in ("one", "two", "three") for n in range(100))
