"""The SQLite outbox without room, or where it may not write: it says so, and drops nothing."""

from __future__ import annotations

import os
import subprocess
import time
import warnings
from pathlib import Path

import pytest
from delivery_kit import is_root, until
from sqlite_kit import MIB, item, keys, put

from misp_workflow.delivery.outbox import Claim
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Post
from misp_workflow.errors import DeliveryError


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
