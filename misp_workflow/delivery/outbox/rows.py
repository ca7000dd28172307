"""Effects as rows of the SQLite file: how they get in, and which are to be sent next."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox.base import Item, Taken

FREE = "owner NOT IN (SELECT owner FROM leases WHERE until > :now AND owner != :me)"
"""What no other living process holds; what this one holds is known in its memory."""
OVERDUE = f"state = 'waiting' AND expires <= :now AND (tries > 0 OR expires > created) AND {FREE}"
"""Too old to be tried again; what may be tried only once (a maximum age of 0) gets that one try first."""


COLUMNS = "state lane label action destination event created expires due owner sealed bundle ended tries reason batch"
STORE = f"""
    INSERT INTO effects (key, {", ".join(COLUMNS.split())})
    VALUES (:key, 'waiting', :lane, :label, :action, :destination, :event, :created, :expires, :due, :owner, :sealed,
        :bundle, 0, 0, '', '')
    ON CONFLICT (key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split())}
    WHERE state = 'dead' OR (state = 'sent' AND (ended <= :earliest OR ended >= :latest))
"""  # noqa: S608 - names of ours
"""Put one in; where its key is known already, only when that one died or was sent long ago. One statement, because each
one that SQLite runs costs the thread its turn."""


def store(db: sqlite3.Connection, item: Item, sealed: bytes, now: float, window: float, owner: str) -> Taken:
    """Put one effect in, unless the same waits there or was sent within `window` seconds."""
    parcel = item.parcel
    bundle = digest.bundle(parcel.effect, parcel.action, item.lane) if item.gather else ""
    values = {
        "key": parcel.key,
        "lane": item.lane,
        "label": parcel.effect.label,
        "action": parcel.action,
        "destination": parcel.effect.destination,
        "event": parcel.event,
        "created": now,
        "expires": now + item.max_age,
        "due": _gathered_until(db, bundle, now + item.gather) if bundle else now,
        "owner": owner,
        "sealed": sealed,
        "bundle": bundle,
    }
    if db.execute(STORE, {**values, "earliest": now - window, "latest": now + window}).rowcount:
        return "taken"
    state = db.execute("SELECT state FROM effects WHERE key = ?", (parcel.key,)).fetchone()[0]
    return "sent" if state == "sent" else "waiting"


def _gathered_until(db: sqlite3.Connection, bundle: str, otherwise: float) -> float:
    """Return when all of one bundle go: when the first of them has waited long enough."""
    first = db.execute(
        "SELECT min(due) FROM effects WHERE bundle = ? AND batch = '' AND state = 'waiting'", (bundle,)
    ).fetchone()[0]
    return otherwise if first is None else float(first)


def first_of_each_lane(
    db: sqlite3.Connection, now: float, me: str, held: Collection[str], avoid: Collection[str]
) -> list[sqlite3.Row]:
    """Return the free effect that is due first on each lane that is not to be avoided, whenever that is."""
    found: list[sqlite3.Row] = []
    lane = ""
    while True:
        # From lane to lane through the index: a lane on which a hundred thousand wait costs no more than one.
        lane = db.execute("SELECT min(lane) FROM effects WHERE state = 'waiting' AND lane > ?", (lane,)).fetchone()[0]
        if lane is None:
            return found
        if lane in avoid:
            continue
        rows = db.execute(
            f"SELECT * FROM effects WHERE state = 'waiting' AND lane = :lane AND {FREE} ORDER BY due LIMIT :most",  # noqa: S608
            {"lane": lane, "now": now, "me": me, "most": len(held) + 1},
        )
        found += [row for row in rows if row["key"] not in held][:1]


def batch(db: sqlite3.Connection, first: sqlite3.Row) -> list[sqlite3.Row]:
    """Return all effects that become one message with `first`; the batch is made here when there is none yet.

    A batch keeps its members: what comes later waits for the next one, so that a repetition is the same message.
    """
    if not first["batch"]:
        db.execute(
            "UPDATE effects SET batch = ? WHERE key IN (SELECT key FROM effects WHERE bundle = ? AND batch = ''"
            " AND state = 'waiting' ORDER BY created, rowid LIMIT ?)",
            (first["key"], first["bundle"], digest.MOST_IN_ONE),
        )
    values = (first["bundle"], first["batch"] or first["key"])
    return db.execute(
        "SELECT * FROM effects WHERE bundle = ? AND batch = ? AND state = 'waiting' ORDER BY created, rowid", values
    ).fetchall()
