"""Effects as rows of the SQLite file: how they get in."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from misp_workflow.delivery.outbox.base import Item, Rest, Still, Taken

FREE = "owner NOT IN (SELECT owner FROM leases WHERE until > :now AND owner != :me)"
"""What no other living process holds; what this one holds is known in its memory."""
OVERDUE = f"state = 'waiting' AND expires <= :now AND (tries > 0 OR expires > created) AND {FREE}"
"""Too old to be tried again; what may be tried only once (a maximum age of 0) gets that one try first."""

BUNDLED = "bundle = ? AND bundle != ''"
"""The second half says nothing new: without it SQLite would not know that it may use the index of bundles."""

TIMES = ("created", "expires", "due", "ended")
TEXTS = ("key", "state", "lane", "label", "action", "destination", "event", "reason", "owner", "bundle", "batch")
COLUMNS = "state lane label action destination event created expires due owner sealed bundle ended tries reason batch"
LONGEST_AGE = 1e10
"""Seconds; longer ages would be no dates any more."""
MOST_ROWS = 64
"""In one statement; older SQLite takes no more than 999 values."""


@lru_cache(maxsize=MOST_ROWS)
def _storing(number: int) -> str:
    """Return the statement that puts so many in; where a key is known, only if that one died or was sent long ago.

    One statement for all, because each one that SQLite runs costs the thread its turn.
    """
    return f"""
        INSERT INTO effects (key, {", ".join(COLUMNS.split())})
        VALUES {", ".join(["(?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', '')"] * number)}
        ON CONFLICT (key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split())}
        WHERE state = 'dead' OR (state = 'sent' AND (ended <= ? OR ended >= ?))
    """  # noqa: S608 - names of ours


Row = tuple[Any, ...]
"""The values of `_storing` for one effect: its key first, `SEALED` is the place of its content."""
SEALED = 10


def row(
    db: sqlite3.Connection, item: Item, sealed: bytes, now: float, owner: str, gathered_until: dict[str, float]
) -> Row:
    """Return what is to be stored of an effect; when a bundle goes is asked once for all that are stored together."""
    parcel, effect = item.parcel, item.parcel.effect
    bundle, due = item.bundle, now
    if bundle:
        if bundle not in gathered_until:
            gathered_until[bundle] = _gathered_until(db, bundle, now + item.gather)
        due = gathered_until[bundle]
    told = (effect.label, parcel.action, effect.destination, parcel.event)
    expires = min(item.expires(now), now + LONGEST_AGE)
    return (parcel.key, item.lane, *told, now, expires, due, owner, sealed, bundle)


def store(db: sqlite3.Connection, rows: Sequence[Row], now: float, window: float) -> list[Taken]:
    """Put effects in, each unless the same waits there or was sent within `window` seconds."""
    some = [rows[first : first + MOST_ROWS] for first in range(0, len(rows), MOST_ROWS)]
    new = [are_new(db, one, now, window) for one in some]
    return ["taken"] * len(rows) if all(new) else [_how(db, row) for row in rows]


def still(db: sqlite3.Connection, keys: Collection[str], now: float, me: str) -> Still:
    """Return how effects that were there a moment ago are now: tried by another living process, over, or waiting."""
    question = f"SELECT {FREE} FROM effects WHERE key = :key AND state = 'waiting'"  # noqa: S608 - ours
    found = [db.execute(question, {"key": key, "now": now, "me": me}).fetchone() for key in keys]
    if any(row is not None and not row[0] for row in found):
        return "tried"
    return "over" if None in found else "waiting"


def are_new(db: sqlite3.Connection, rows: Sequence[Row], now: float, window: float) -> bool:
    """Put MOST_ROWS effects in at most, by one statement, and return whether each was taken."""
    values = [*chain.from_iterable(rows), now - window, now + window]
    return db.execute(_storing(len(rows)), values).rowcount == len(rows)


def part(db: sqlite3.Connection, key: str, rest: Rest, left: bytes | None, refused: bytes | None, now: float) -> None:
    """Keep of a batch what is left of it, sealed, and make a dead letter of what was refused."""
    if refused is not None and rest.refused is not None:
        values = {"key": key, "now": now, "label": rest.refused.label, "why": rest.refusal, "sealed": refused}
        db.execute(
            "INSERT OR REPLACE INTO effects (key, state, lane, label, action, destination, event, created, expires,"
            " due, ended, tries, reason, sealed) SELECT key || '-refused-' || (tries + 1), 'dead', lane, :label,"
            " action, destination, event, created, expires, due, :now, tries + 1, :why, :sealed FROM effects"
            " WHERE key = :key",
            values,
        )
    if left is None:
        change = "state = 'sent', ended = :now, sealed = x'', bundle = '', reason = ''"
    else:
        change = "sealed = :sealed, due = :now + :wait, tries = tries + 1, reason = :why"
    db.execute(
        f"UPDATE effects SET {change}, owner = '' WHERE key = :key AND state = 'waiting'",  # noqa: S608 - ours
        {"key": key, "now": now, "sealed": left, "wait": rest.wait, "why": rest.why},
    )


def _how(db: sqlite3.Connection, row: Row) -> Taken:
    """Return what became of a row a moment ago; no two are sealed alike."""
    state, sealed = db.execute("SELECT state, sealed FROM effects WHERE key = ?", (row[0],)).fetchone()
    return "taken" if sealed == row[SEALED] else "sent" if state == "sent" else "waiting"


def _gathered_until(db: sqlite3.Connection, bundle: str, otherwise: float) -> float:
    """Return when all of one bundle go: when the first of them has waited long enough.

    All of them are due then, so that any one of them says when; to look at each would cost the more the more there are.
    """
    first = db.execute(
        f"SELECT due FROM effects WHERE {BUNDLED} AND batch = '' AND state = 'waiting'"  # noqa: S608 - ours
        " AND typeof(due) = 'real' LIMIT 1",
        (bundle,),
    ).fetchone()
    return otherwise if first is None else float(first[0])
