"""Remembers for a while what this pack changed in MISP, so that a workflow that causes its own next run comes to rest.

A change made through MISP's API fires MISP's triggers again, and MISP has no guard of its own. Looking first ends most
loops. Two are left: a node that makes another change each time (bounded by a count of hops), and a change that can be
added without end (a sighting, a note: not repeated within the window). A small SQLite file in the state folder, because
the next run may come to another process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from misp_workflow.settings import state

MOST_HOPS = 8
"""Changes that one node may make to one item within the window."""
CHUNK = 400


def mark(*parts: str) -> str:
    """Return a short name for what the parts say together."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


class MarksError(Exception):
    """The marks cannot be read or written; the text says where and why."""


class Marks:
    """The marks of the last `window` seconds. Raises MarksError when the file cannot be used."""

    def __init__(self, folder: Path, window: float) -> None:
        self._file = folder / "misp-changes.sqlite"
        self._window = window

    def count(self, marks: Iterable[str]) -> dict[str, int]:
        """Return how often each mark was set within the window; those never set are left out."""
        wanted, since = list(dict.fromkeys(marks)), time.time() - self._window
        found: dict[str, int] = {}
        if not wanted:
            return found
        with self._open() as database:
            for start in range(0, len(wanted), CHUNK):
                some = wanted[start : start + CHUNK]
                places = ",".join("?" * len(some))
                query = f"SELECT mark, COUNT(*) FROM marks WHERE at > ? AND mark IN ({places}) GROUP BY mark"  # noqa: S608
                found.update(database.execute(query, [since, *some]).fetchall())
        return found

    def set(self, marks: Iterable[str]) -> None:
        """Set these marks now, durably, and forget those that are too old to matter."""
        now = time.time()
        with self._open() as database:
            database.execute("DELETE FROM marks WHERE at <= ?", [now - self._window])
            database.executemany("INSERT INTO marks (mark, at) VALUES (?, ?)", [(mark, now) for mark in marks])

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            state.prepare(self._file.parent)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
            if self._file.stat().st_mode & 0o077:  # the first versions left it to the umask
                self._file.chmod(0o600)
            with contextlib.closing(sqlite3.connect(self._file, timeout=2.0)) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS marks (mark TEXT NOT NULL, at REAL NOT NULL)")
                database.execute("CREATE INDEX IF NOT EXISTS by_mark ON marks (mark, at)")
                yield database
        except (OSError, sqlite3.Error) as error:
            raise MarksError(f"what is changed in MISP cannot be noted in {self._file}: {error}") from None
