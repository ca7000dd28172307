"""What people see of the SQLite file, and what they may change: each function is one question or one change."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Literal

from misp_workflow.delivery.outbox.base import Entry, Totals

Connection = sqlite3.Connection


def entry(row: sqlite3.Row, live: Collection[str] = ()) -> Entry:
    """Return a row of `effects` for people's eyes; `live` are the processes that hold a lease."""
    state: Literal["waiting", "sending", "dead"] = "dead" if row["state"] == "dead" else "waiting"
    return Entry(
        key=row["key"],
        state="sending" if state == "waiting" and row["owner"] in live else state,
        label=row["label"],
        action=row["action"],
        destination=row["destination"],
        lane=row["lane"],
        event=row["event"],
        created=row["created"],
        due=row["due"],
        ended=row["ended"],
        tries=row["tries"],
        reason=row["reason"],
        size=len(row["sealed"]),
    )


def entries(db: Connection, state: str, now: float) -> list[Entry]:
    """Return what is in `state`, or in any that people care for when it is ""; oldest first."""
    live = _live(db, now)
    rows = db.execute(
        "SELECT * FROM effects WHERE state != 'sent' AND (:state = '' OR state = :state) ORDER BY created, rowid",
        {"state": state},
    )
    return [entry(row, live) for row in rows]


def one(db: Connection, key: str, now: float) -> tuple[Entry, bytes] | None:
    """Return one effect, still sealed."""
    row = db.execute("SELECT * FROM effects WHERE key = ? AND state != 'sent'", (key,)).fetchone()
    return None if row is None else (entry(row, _live(db, now)), row["sealed"])


def requeue(db: Connection, keys: Collection[str], now: float) -> int:
    """Make these due now; what was dead begins anew, with its old maximum age."""
    changed = 0
    for key in keys:
        values = {"now": now, "key": key}
        waiting = db.execute("UPDATE effects SET due = :now WHERE key = :key AND state = 'waiting'", values)
        dead = db.execute(
            "UPDATE effects SET state = 'waiting', due = :now, expires = :now + expires - created, created = :now,"
            " ended = 0, tries = 0, batch = '' WHERE key = :key AND state = 'dead'",
            values,
        )
        changed += waiting.rowcount + dead.rowcount
    return changed


def drop(db: Connection, keys: Collection[str]) -> list[Entry]:
    """Remove these, and return what was removed."""
    dropped = []
    for key in keys:
        row = db.execute("SELECT * FROM effects WHERE key = ? AND state != 'sent'", (key,)).fetchone()
        if row is not None:
            db.execute("DELETE FROM effects WHERE key = ?", (key,))
            count(db, row["lane"], "dropped", 1)
            dropped.append(entry(row))
    return dropped


def totals(db: Connection, most: int) -> Totals:
    """Return the numbers for monitoring."""
    counts = db.execute("SELECT lane, state, count(*) FROM effects WHERE state != 'sent' GROUP BY lane, state")
    ended = db.execute("SELECT lane, how, number FROM ended")
    oldest = db.execute("SELECT min(created) FROM effects WHERE state = 'waiting'").fetchone()[0]
    return Totals(
        counts={(row[0], row[1]): row[2] for row in counts},
        ended={(row[0], row[1]): row[2] for row in ended},
        oldest=oldest,
        bytes_used=used(db),
        bytes_most=most,
    )


def count(db: Connection, lane: str, how: str, number: int) -> None:
    """Add to the number of effects that ended on a lane: sent, dead, refused, dropped."""
    db.execute(
        "INSERT INTO ended VALUES (?, ?, ?) ON CONFLICT (lane, how) DO UPDATE SET number = number + excluded.number",
        (lane, how, number),
    )


def used(db: Connection) -> int:
    """Return the bytes in use; what was deleted is used again before the file grows."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _live(db: Connection, now: float) -> set[str]:
    return {row[0] for row in db.execute("SELECT owner FROM leases WHERE until > ?", (now,))}
