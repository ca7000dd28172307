"""Rows with values that are not ours: a flipped bit, a hand in the file. One such row must cost nobody but itself.

SQLite keeps in a column whatever a record's header says, whatever the column's type. So every row is looked at before
it is believed; a damaged one goes to the dead letters with that reason, and what is left of it can be seen there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from misp_workflow.delivery.outbox.base import LATEST, Entry, is_sane
from misp_workflow.delivery.outbox.on_disk import repair
from misp_workflow.delivery.outbox.on_disk.rows import TEXTS, TIMES

STATES = ("waiting", "dead", "sent")

_SOUND = " AND ".join(
    [
        *(f"typeof({name}) = 'text'" for name in TEXTS),
        *(f"typeof({name}) IN ('real', 'integer') AND {name} BETWEEN 0 AND {LATEST}" for name in (*TIMES, "tries")),
        "typeof(sealed) = 'blob'",
        f"state IN {STATES}",
    ]
)


def damaged(row: Mapping[str, Any] | sqlite3.Row) -> str:
    """Return the names of the columns whose values cannot be ours, "" when all may be."""
    wrong = [name for name in TEXTS if not isinstance(row[name], str)]
    wrong += [name for name in (*TIMES, "tries") if not is_sane(row[name])]
    if not isinstance(row["sealed"], bytes):
        wrong.append("sealed")
    return ", ".join(wrong)


def reason(columns: str) -> str:
    """Return the sentence for the dead letters."""
    return f"Its row in the outbox is damaged{f' ({columns})' if columns else ''}, so it was not sent."


def bury(db: sqlite3.Connection, rowid: int, columns: str, now: float) -> Entry:
    """Make a damaged row a dead letter that every command can show, and remove; return it."""
    db.execute(_BURY.format("rowid = :rowid"), {"rowid": rowid, "now": now, "reason": reason(columns)})
    buried = repair.entry(db.execute("SELECT * FROM effects WHERE rowid = ?", (rowid,)).fetchone())
    repair.count(db, buried.lane, "dead", 1)
    return buried


class Search:
    """Looks through the whole file once, some rows at a time: what is damaged may never be due."""

    SOME = 10_000

    def __init__(self) -> None:
        self.over = False
        self._seen = self._before = 0

    def look(self, db: sqlite3.Connection) -> bool:
        """Look at the next rows; return whether one of them is damaged."""
        last = db.execute(
            "SELECT max(rowid) FROM (SELECT rowid FROM effects WHERE rowid > ? ORDER BY rowid LIMIT ?)",
            (self._seen, self.SOME),
        ).fetchone()[0]
        if last is None:
            self.over = True
            return False
        self._before, self._seen = self._seen, last
        return bool(self._damaged(db, 1))

    def bury(self, db: sqlite3.Connection, now: float) -> list[Entry]:
        """Make dead letters of the damaged ones among the rows that were looked at; return them."""
        return [bury(db, row["rowid"], damaged(row), now) for row in self._damaged(db, self.SOME)]

    def _damaged(self, db: sqlite3.Connection, most: int) -> list[sqlite3.Row]:
        query = f"SELECT rowid, * FROM effects WHERE rowid > ? AND rowid <= ? AND NOT ({_SOUND}) LIMIT ?"  # noqa: S608
        return db.execute(query, (self._before, self._seen, most)).fetchall()


_KEPT = ", ".join(
    f"{name} = CASE typeof({name}) WHEN 'text' THEN {name} ELSE '' END"
    for name in ("lane", "label", "action", "destination", "event")
)
_BURY = f"""
    UPDATE effects SET state = 'dead', tries = 0, owner = '', bundle = '', batch = '', reason = :reason, {_KEPT},
    created = :now, expires = :now, due = :now, ended = :now,
    key = CASE typeof(key) WHEN 'text' THEN key ELSE 'damaged-' || lower(hex(randomblob(8))) END,
    sealed = CASE typeof(sealed) WHEN 'blob' THEN sealed ELSE x'' END WHERE {{}}
"""  # noqa: S608 - names of ours
