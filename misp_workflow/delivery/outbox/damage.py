"""Rows with values that are not ours: a flipped bit, a hand in the file. One such row must cost nobody but itself.

SQLite keeps in a column whatever a record's header says, whatever the column's type. So every row is looked at before
it is believed; a damaged one goes to the dead letters with that reason, and what is left of it can be seen there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from misp_workflow.delivery.outbox import repair
from misp_workflow.delivery.outbox.base import LATEST, Entry, is_sane
from misp_workflow.delivery.outbox.rows import TEXTS, TIMES

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


def bury_all(db: sqlite3.Connection, now: float) -> int:
    """Do that with every damaged row; return how many there were. Reads the whole table."""
    return db.execute(_BURY.format(f"NOT ({_SOUND})"), {"now": now, "reason": reason("")}).rowcount


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
