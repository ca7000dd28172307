"""The ledger as an SQLite file in the state folder, for any number of processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from misp_workflow.delivery.ledger.background import Background
from misp_workflow.delivery.ledger.base import WHOLE, Sent, time_of
from misp_workflow.delivery.outbox.on_disk.file import aside, inode, is_corruption, put_aside
from misp_workflow.errors import DeliveryError
from misp_workflow.printable import logger
from misp_workflow.settings import state

LOG = logger("misp_workflow.delivery")
NAME = "sent.sqlite3"
BUSY = 2.0
"""Seconds that a file is asked for that another process has locked; as many again for the last of the turns."""
PAGE = 1000
FORGET_EVERY = 3600.0

_TABLES = """
CREATE TABLE IF NOT EXISTS sent (
    event TEXT NOT NULL, destination TEXT NOT NULL, item TEXT NOT NULL, action TEXT NOT NULL, id TEXT NOT NULL,
    key TEXT NOT NULL, withdrawn INTEGER NOT NULL, first REAL NOT NULL, at REAL NOT NULL,
    said REAL NOT NULL DEFAULT 0, PRIMARY KEY (event, destination, item)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sent_by_time ON sent (at);
"""
_COLUMNS = "event, destination, item, action, id, key, withdrawn, first, at, said"
_NOTE = f"""
    INSERT INTO sent ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (event, destination, item) DO UPDATE SET action = excluded.action, key = excluded.key,
    withdrawn = excluded.withdrawn, at = excluded.at, said = excluded.said,
    id = CASE excluded.id WHEN '' THEN id ELSE excluded.id END
    WHERE (excluded.said, excluded.at) >= (said, at)
"""  # noqa: S608 - names of ours


class SqliteLedger:
    """See `Ledger`. Rows are forgotten `max_age` seconds after the last word about them.

    A damaged file is put aside, so that what is to be delivered goes on, and a new one is begun. Whoever `only_looks`
    changes nothing, and hears of the damage.
    """

    def __init__(self, folder: Path, max_age: float, *, only_looks: bool = False) -> None:
        self.path = folder / NAME
        self._only_looks = only_looks
        self._max_age = max_age
        self._forgot = -FORGET_EVERY
        self._local = threading.Lock()
        self._background = Background(
            self._write, (sqlite3.OperationalError, OSError), (sqlite3.Error,), str(self.path)
        )

    def note(self, rows: Sequence[Sent], *, now: bool = False) -> bool:
        rows = [row for row in rows if row.event]
        if not rows or self._max_age <= 0:
            return True
        return self._background.write_now(rows) if now else self._background.add(rows)

    def settle(self, patience: float) -> None:
        self._background.settle(patience)

    def of(self, event: str, destination: str = "") -> Iterator[Sent]:
        self._background.catch_up(event)
        after = ("", "")
        while True:
            query = (
                f"SELECT {_COLUMNS} FROM sent WHERE event = ? AND (destination, item) > (?, ?) AND at > ?"  # noqa: S608
                f" AND (? = '' OR destination = ?) AND item != '{WHOLE}' ORDER BY destination, item LIMIT ?"
            )
            # The event as a whole has the item "", which must not be skipped on the first page.
            if after == ("", ""):
                query = query.replace("(destination, item) > (?, ?)", "(destination, item) >= (?, ?)")
            values = (event, *after, time.time() - self._max_age, destination, destination, PAGE)
            page = [_sent(row) for row in self._ask(query, values)]
            if not page:
                return
            yield from page
            after = (page[-1].destination, page[-1].item)

    def items(self, event: str, destination: str, items: Collection[str]) -> dict[str, Sent]:
        self._background.catch_up(event)
        found: dict[str, Sent] = {}
        wanted = list(items)
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_COLUMNS} FROM sent WHERE event = ? AND destination = ? AND at > ? AND item IN ({marks})"  # noqa: S608
            for row in self._ask(query, (event, destination, time.time() - self._max_age, *some)):
                found[str(row[2])] = _sent(row)
        return found

    def losses(self) -> list[str]:
        return [
            f"The ledger was damaged once, and is kept as {path}: what it said is not shown."
            for path in aside(self.path)
        ]

    def close(self) -> None:
        self._background.close()

    def _write(self, rows: Sequence[Sent]) -> None:
        end = time.monotonic() + BUSY
        while True:
            known, last = inode(self.path), time.monotonic() >= end
            try:
                self._write_once(rows)
            except sqlite3.DatabaseError as error:
                if not last and self._renewed(error, known):
                    continue
                if last or "locked" not in str(error):  # whoever makes the file locks it in ways that do not queue
                    raise
                time.sleep(0.05)
            else:
                return

    def _write_once(self, rows: Sequence[Sent]) -> None:
        state.prepare(self.path.parent)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)) as file:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.executescript(_TABLES)
            _complete(file)
            file.execute("BEGIN IMMEDIATE")
            try:
                file.executemany(
                    _NOTE,
                    [
                        (
                            r.event,
                            r.destination,
                            r.item,
                            r.action,
                            r.id,
                            r.key,
                            int(r.withdrawn),
                            r.first,
                            r.at,
                            r.said or r.at,
                        )
                        for r in rows
                    ],
                )
                if time.monotonic() - self._forgot >= FORGET_EVERY:
                    file.execute("DELETE FROM sent WHERE at <= ?", (time.time() - self._max_age,))
                    self._forgot = time.monotonic()
                file.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    file.execute("ROLLBACK")
                raise

    def _renewed(self, error: sqlite3.Error, known: int) -> bool:
        """Put the file aside when it is damaged, or somebody else's, and still the one that was found so."""
        foreign = "has no column" in str(error) or "no such column" in str(error)
        if self._only_looks or not (foreign or is_corruption(error)):
            return False
        if inode(self.path) == known:
            put_aside(self.path, "ledger", error)
        return True

    def _ask(self, query: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        known = inode(self.path)
        try:
            if not self.path.exists():
                return []
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY)) as file:
                if not _is_complete(file):  # whoever only looks changes nothing
                    query = query.replace(_COLUMNS, _COLUMNS.replace("said", "0"))
                return file.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            if "no such table" in str(error) or (isinstance(error, sqlite3.Error) and self._renewed(error, known)):
                return []
            why = state.refusal(self.path.parent) or getattr(error, "strerror", None) or error
            said = f"The ledger {self.path} cannot be read ({why})."
            LOG.error("%s Cases, and what is taken back, wait until it can; see misp-workflow doctor.", said)
            raise DeliveryError(said) from None


def _complete(file: sqlite3.Connection) -> None:
    """Add what a file of an earlier version lacks."""
    if not _is_complete(file):
        file.execute("ALTER TABLE sent ADD COLUMN said REAL NOT NULL DEFAULT 0")


def _is_complete(file: sqlite3.Connection) -> bool:
    return "said" in {row[1] for row in file.execute("PRAGMA table_info(sent)")}


def _sent(row: Sequence[object]) -> Sent:
    event, destination, item, action, there, key, withdrawn, first, at, said = row
    return Sent(
        event=str(event),
        destination=str(destination),
        item=str(item),
        action=str(action),
        id=str(there),
        key=str(key),
        withdrawn=bool(withdrawn),
        first=time_of(first),
        at=time_of(at),
        said=time_of(said),
    )
