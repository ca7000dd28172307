"""What stands in one list and why: an SQLite file in the state folder, for any number of processes.

Each attribute has the last word about itself, by the time of the call that said it: an older call that comes late
(from the outbox, after a newer one) changes nothing. An entry stands as long as one attribute says so.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from misp_workflow.delivery.lists.formats import Row
from misp_workflow.delivery.lists.values import Entry
from misp_workflow.settings import state

CACHE = 65_536
"""KiB of the book that a change may hold in memory: what does not fit is written and read again and again."""
REMEMBERED = 30 * 86_400.0
"""Seconds for which what was withdrawn is remembered: longer than anything waits in the outbox."""

_TABLES = """
CREATE TABLE IF NOT EXISTS words (uuid TEXT PRIMARY KEY, event TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (uuid TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL, value TEXT NOT NULL, uuid TEXT NOT NULL, event TEXT NOT NULL,
    since REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (kind, value, uuid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_uuid ON entries (uuid);
CREATE INDEX IF NOT EXISTS entries_event ON entries (event);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one call says. `put` are the entries by attribute uuid, `gone` the attributes that say nothing any more.

    `whole`: the event has said everything, so what else it said before is withdrawn. `at` is when the call came,
    `until` when its entries end (0: never); both in seconds since 1970.
    """

    event: str
    at: float
    put: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    gone: Sequence[str] = ()
    whole: bool = False
    until: float = 0.0


@dataclass
class Counted:
    """What a change came to, in entries: `full` found no room, `stale` attributes were spoken of by a newer call."""

    added: int = 0
    withdrawn: int = 0
    full: int = 0
    dropped: int = 0
    stale: int = 0


@contextlib.contextmanager
def _damage_in_words() -> Iterator[None]:
    """Raise what everybody expects of a damaged file: where SQLite quotes it, Python may not be able to read that."""
    try:
        yield
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("its file is damaged") from None


class Book:
    """One list's file. A connection is opened for each use; whoever writes holds the file's one write lock."""

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self.path = path
        self._patience = patience

    @contextlib.contextmanager
    def reading(self) -> Iterator[Page]:
        """Open the book for reading; nothing is made on the disk for that."""
        with _damage_in_words(), contextlib.closing(self._look()) as connection:
            yield Page(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Page]:
        """Open the book for one change: all of it is on the disk at the end, or nothing of it ever."""
        with _damage_in_words(), contextlib.closing(self._open()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Page(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _look(self) -> sqlite3.Connection:
        if not self.path.exists():
            connection = sqlite3.connect(":memory:")
            connection.executescript(_TABLES)
            return connection
        if state.refusal(self.path.parent.parent):  # root looks, and makes nothing in another user's folder
            return sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        return self._open()

    def _open(self) -> sqlite3.Connection:
        state.prepare(self.path.parent.parent)
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE}")
            connection.executescript(_TABLES)
        except BaseException:
            connection.close()
            raise
        return connection


class Page:
    """The open book."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._do = connection.execute
        self._many = connection.executemany

    def state(self, name: str) -> int:
        """Return a number of the list: "generation" counts its changes, "published" is the one in its file."""
        found = self._do("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def note(self, name: str, value: int) -> None:
        """Remember a number of the list."""
        self._do("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def rows(self) -> list[Row]:
        """Return the entries in the order of kind and value, each once."""
        found: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
        query = "SELECT kind, value, since, until, event FROM entries ORDER BY kind, value, since"
        for kind, value, since, until, event in self._do(query):
            found.setdefault((kind, value), []).append((since, until, event))
        return [_row(Entry(*name), sources) for name, sources in found.items()]

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._do("SELECT COUNT(*) FROM (SELECT DISTINCT kind, value FROM entries)").fetchone()[0])

    def apply(self, change: Change, most: int, drop_oldest: bool) -> Counted:
        """Make the change, and return what it came to."""
        counted = Counted()
        told = self._listening(change, counted)
        if change.whole:
            self._do("INSERT OR REPLACE INTO events VALUES (?, ?)", (change.event, change.at))
        touched = {entry for uuid in told for entry in (*self._said(uuid), *change.put.get(uuid, ()))}
        before = {entry for entry in touched if self._stands(entry)}
        self._replace(change, told, most if not drop_oldest else None, counted)
        after = {entry for entry in touched if self._stands(entry)}
        counted.added, counted.withdrawn = len(after - before), len(before - after)
        if drop_oldest:
            counted.dropped = self._drop_oldest(self.count() - most)
        if counted.added or counted.withdrawn or counted.dropped or told:
            self.note("generation", self.state("generation") + 1)
        return counted

    def _listening(self, change: Change, counted: Counted) -> list[str]:
        """Return the attributes about which this is the last word, those that the event forgot included."""
        named = dict.fromkeys([*change.put, *change.gone])
        if change.whole:
            rows = self._do("SELECT DISTINCT uuid FROM entries WHERE event = ?", (change.event,))
            named.update(dict.fromkeys(row[0] for row in rows))
        newest = self._do("SELECT at FROM events WHERE uuid = ?", (change.event,)).fetchone()
        listening = []
        for uuid in named:
            known = self._do("SELECT at FROM words WHERE uuid = ?", (uuid,)).fetchone()
            if any(word is not None and word[0] > change.at for word in (known, newest)):
                counted.stale += 1
            else:
                listening.append(uuid)
        return listening

    def _said(self, uuid: str) -> list[Entry]:
        return [Entry(*row) for row in self._do("SELECT kind, value FROM entries WHERE uuid = ?", (uuid,))]

    def _stands(self, entry: Entry) -> bool:
        return self._do("SELECT 1 FROM entries WHERE kind = ? AND value = ? LIMIT 1", entry).fetchone() is not None

    def _replace(self, change: Change, told: list[str], most: int | None, counted: Counted) -> None:
        """Let the attributes say what they say now; entries that were there before keep their beginning."""
        since = {
            (uuid, row[0], row[1]): row[2]
            for uuid in told
            for row in self._do("SELECT kind, value, since FROM entries WHERE uuid = ?", (uuid,))
        }
        self._many("DELETE FROM entries WHERE uuid = ?", [(uuid,) for uuid in told])
        self._many("INSERT OR REPLACE INTO words VALUES (?, ?, ?)", [(uuid, change.event, change.at) for uuid in told])
        room = None if most is None else most - self.count()
        for uuid in told:
            for entry in change.put.get(uuid, ()):
                if room is not None and not self._stands(entry):
                    if room <= 0:
                        counted.full += 1
                        continue
                    room -= 1
                began = since.get((uuid, *entry), change.at)
                row = (*entry, uuid, change.event, began, change.until)
                self._do("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", row)

    def _drop_oldest(self, number: int) -> int:
        if number <= 0:
            return 0
        query = "SELECT kind, value FROM entries GROUP BY kind, value ORDER BY MAX(since), kind, value LIMIT ?"
        oldest = self._do(query, (number,)).fetchall()
        self._many("DELETE FROM entries WHERE kind = ? AND value = ?", oldest)
        return len(oldest)

    def expire(self, now: float) -> int:
        """Remove what has lived its life, and forget what was withdrawn long ago; return how many entries ended."""
        before = self.count()
        if self._do("DELETE FROM entries WHERE until > 0 AND until <= ?", (now,)).rowcount:
            self.note("generation", self.state("generation") + 1)
        old = now - REMEMBERED
        self._do("DELETE FROM words WHERE at < ? AND uuid NOT IN (SELECT uuid FROM entries)", (old,))
        self._do("DELETE FROM events WHERE at < ? AND uuid NOT IN (SELECT event FROM entries)", (old,))
        return before - self.count()


def _row(entry: Entry, sources: list[tuple[float, float, str]]) -> Row:
    until = 0.0 if any(not source[1] for source in sources) else max(source[1] for source in sources)
    return Row(entry, sources[0][0], until, tuple(dict.fromkeys(source[2] for source in sources if source[2])))
