"""What people see of the SQLite file, and what they may change: each function is one question or one change."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any, Literal

from misp_workflow.delivery.outbox.base import Entry, Totals, is_sane
from misp_workflow.delivery.outbox.on_disk.rows import OVERDUE
from misp_workflow.delivery.retry import sentence_of_age

Connection = sqlite3.Connection


SEEN = (
    "key, state, lane, label, action, destination, event, created, due, ended, tries, reason, owner,"
    " length(sealed) AS size"
)
"""What people see of a row; its content is left on the disk."""
PAGE = 500
"""Entries that are read at a time."""


def entry(row: sqlite3.Row | Mapping[str, Any], live: Collection[str] = ()) -> Entry:
    """Return a row of `effects` for people's eyes; `live` are the processes that hold a lease."""
    seen = dict(row)
    size = seen["size"] if "size" in seen else len(seen["sealed"])
    state: Literal["waiting", "sending", "dead"] = "dead" if seen["state"] == "dead" else "waiting"
    return Entry.of(seen, "sending" if state == "waiting" and seen["owner"] in live else state, size or 0)


def page(db: Connection, *, state: str, after: int, now: float) -> tuple[list[Entry], int]:
    """Return some of what is in `state`, or in any that people care for when it is "", and where the next page begins.

    They come in the order in which their rows were made, which needs no sorting.
    """
    live = _live(db, now)
    rows = db.execute(
        f"SELECT rowid, {SEEN} FROM effects"  # noqa: S608 - ours
        " WHERE rowid > :after AND state != 'sent' AND (:state = '' OR state = :state) ORDER BY rowid LIMIT :most",
        {"state": state, "after": after, "most": PAGE},
    ).fetchall()
    return [entry(row, live) for row in rows], rows[-1]["rowid"] if rows else after


def find(db: Connection, beginning: str, now: float) -> list[Entry]:
    """Return the effect with that key, or else the first few whose keys begin so."""
    live = _live(db, now)
    for condition, most in (("key = :text", 1), ("key >= :text AND key < :text || x'F48FBFBF'", 3)):
        query = f"SELECT {SEEN} FROM effects WHERE state != 'sent' AND {condition} ORDER BY key LIMIT {most}"  # noqa: S608
        if rows := db.execute(query, {"text": beginning}).fetchall():
            return [entry(row, live) for row in rows]
    return []


def one(db: Connection, key: str, now: float) -> tuple[Entry, bytes] | None:
    """Return one effect, still sealed."""
    row = db.execute("SELECT * FROM effects WHERE key = ? AND state != 'sent'", (key,)).fetchone()
    if row is None:
        return None
    return entry(row, _live(db, now)), row["sealed"] if isinstance(row["sealed"], bytes) else b""


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
    counts = {
        (str(row[0]), state): row[1]
        for state in ("waiting", "dead")  # an index for each: the effects themselves are not read
        for row in db.execute(f"SELECT lane, count(*) FROM effects WHERE state = '{state}' GROUP BY lane")  # noqa: S608
    }
    ended = db.execute("SELECT lane, how, number FROM ended")
    oldest = db.execute("SELECT min(created) FROM effects WHERE state = 'waiting'").fetchone()[0]
    return Totals(
        counts=counts,
        ended={(str(row[0]), str(row[1])): row[2] for row in ended},
        oldest=oldest if is_sane(oldest) else None,
        bytes_used=used(db),
        bytes_most=most,
    )


def bury_old(db: Connection, now: float, me: str, held: Collection[str]) -> list[Entry]:
    """Make dead letters of what is too old, some at a time; return those."""
    buried = []
    for row in db.execute(
        f"SELECT * FROM effects WHERE {OVERDUE} LIMIT 1000",  # noqa: S608 - ours
        {"now": now, "me": me},
    ).fetchall():
        if row["key"] in held:
            continue
        seen = entry(row)
        reason = sentence_of_age(now - seen.created, seen.reason)
        db.execute(
            "UPDATE effects SET state = 'dead', ended = ?, reason = ?, owner = '' WHERE key = ?",
            (now, reason, row["key"]),
        )
        count(db, seen.lane, "dead", 1)
        buried.append(dataclasses.replace(seen, state="dead", ended=now, reason=reason))
    return buried


def anything_waits(db: Connection) -> bool:
    """Whether there is work, now or later."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM effects WHERE state = 'waiting')").fetchone()[0])


def is_anything_over(db: Connection, now: float, me: str, window: float) -> bool:
    """Whether something is too old to be tried, or was sent too long ago to be remembered."""
    found = db.execute(
        f"SELECT EXISTS (SELECT 1 FROM effects WHERE {OVERDUE})"  # noqa: S608 - ours
        " OR EXISTS (SELECT 1 FROM effects WHERE state = 'sent' AND ended <= :now - :window)",
        {"now": now, "me": me, "window": window},
    )
    return bool(found.fetchone()[0])


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
