"""The file of the SQLite outbox: secret, old, new, broken, removed."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from delivery_kit import until
from sqlite_kit import SECRET, item, keys, put, settled

from misp_workflow.delivery.outbox.on_disk import schema
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.errors import DeliveryError


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
