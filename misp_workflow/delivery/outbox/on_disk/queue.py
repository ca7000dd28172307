"""Which effect is to be sent next, for the same price however many wait, and for however many destinations.

The table `lanes` has a row for each lane on which something waits: the moment before which nobody needs to look there.
Triggers (`schema`) keep it early enough; whoever looks there in vain makes it later. So a claim goes straight to the
lane that has waited longest. A lane that this process leaves alone for a while is put off in the table, for all.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Container, Iterator, Sequence

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox.base import Claim, Entry, Resting
from misp_workflow.delivery.outbox.on_disk import damage
from misp_workflow.delivery.outbox.on_disk.rows import BUNDLED, FREE
from misp_workflow.effects import Effect, Parcel

Connection = sqlite3.Connection

MOST_LOOKS = 64
"""Lanes at which one claim looks; when it finds nothing there, the next claim looks further."""
LOOK_AGAIN = 1.0
"""Seconds after which somebody looks at a lane again of which others hold everything; and the shortest rest for which a
lane is put off in the table: a shorter one is not worth a commit."""


def take(
    db: Connection,
    now: float,
    me: str,
    held: Collection[str],
    avoid: Container[str],
    among: Sequence[str] | None = None,
) -> tuple[list[sqlite3.Row], list[Entry]]:
    """Return what is due first, with it what is to become one message with it; and what died because it is damaged.

    With `among`, only these lanes are looked at.
    """
    sound: list[sqlite3.Row] = []
    dead: list[Entry] = []
    while not sound and len(dead) < MOST_LOOKS:
        first = next_free(db, now, me, held, avoid, among)
        if first is None:
            break
        for row in [first] if damage.damaged(first) or not first["bundle"] else batch(db, first):
            if wrong := damage.damaged(row):
                dead.append(damage.bury(db, row["rowid"], wrong, now))
            else:
                sound.append(row)
    return sound, dead


def claimed(members: Sequence[tuple[sqlite3.Row, Effect]], now: float) -> Claim:
    """Return what may be sent now: one effect, or several made into one."""
    first = members[0][0]
    keys = tuple(row["key"] for row, _ in members)
    parcel = Parcel(
        key=digest.batch_key(keys) if len(keys) > 1 else first["key"],
        effect=digest.merge([effect for _, effect in members], now - first["created"]),
        action=first["action"],
        event=first["event"] if len({row["event"] for row, _ in members}) == 1 else "",
        created=first["created"],
    )
    return Claim(
        parcel=parcel,
        lane=first["lane"],
        keys=keys,
        tries=first["tries"],
        last=first["expires"] <= now,
        events=tuple(dict.fromkeys(row["event"] for row, _ in members)),
    )


def next_free(
    db: Connection,
    now: float,
    me: str,
    held: Collection[str],
    avoid: Container[str],
    among: Sequence[str] | None = None,
) -> sqlite3.Row | None:
    """Return the free effect that is due first on a lane that is not to be avoided; None when there is none now."""
    for _ in range(MOST_LOOKS):
        lane = _due_lane(db, now, avoid, among)
        if lane is None:
            return None
        row = _first_free(db, lane, now, me, held)
        if row is not None and _is_due(row["due"], now):
            return row
        _look_later(db, lane, row, now)
    return None


def next_look(db: Connection, avoid: Container[str], among: Sequence[str] | None = None) -> float:
    """Return when to look for work again, as seconds since 1970; infinity when nothing waits.

    Lanes that are avoided for a moment are left out; one that is avoided for longer is worth a look, which puts it off.
    """
    try:
        for lane, due in _lanes(db, among):
            rest = _rest(avoid, lane)
            if not rest or LOOK_AGAIN < rest < math.inf:
                return float(due) if isinstance(due, (int, float)) else math.inf
    except sqlite3.OperationalError as error:
        if "no such table: lanes" in str(error):  # an older file: to claim from it migrates it
            return 0.0
        raise
    return math.inf


def once_reached(db: Connection) -> list[str]:
    """Return the lanes on which most was delivered since the file began."""
    return [lane for (lane,) in db.execute(ONCE_REACHED, (MOST_AMONG,))]


ONCE_REACHED = "SELECT lane FROM ended WHERE how = 'sent' ORDER BY number DESC LIMIT ?"
MOST_AMONG = 512
"""Lanes of those that work is chosen among."""
AT_ONCE = 256
"""Names in one question; older SQLite takes no more than 999."""


def _lanes(db: Connection, among: Sequence[str] | None) -> Iterator[tuple[str, float]]:
    """Yield lanes and when to look there, the earliest first."""
    if among is None:
        yield from db.execute("SELECT lane, due FROM lanes ORDER BY due")
        return
    found: list[tuple[str, float]] = []
    for start in range(0, len(among), AT_ONCE):
        some = among[start : start + AT_ONCE]
        marks = ", ".join("?" * len(some))
        found += db.execute(f"SELECT lane, due FROM lanes WHERE lane IN ({marks})", some).fetchall()  # noqa: S608 - ours
    yield from sorted(((lane, due) for lane, due in found if isinstance(due, (int, float))), key=lambda one: one[1])


def _due_lane(db: Connection, now: float, avoid: Container[str], among: Sequence[str] | None) -> str | None:
    """Return the lane to look at first; those that are left alone for longer are put off meanwhile."""
    resting: list[tuple[float, str]] = []
    found = None
    for lane, due in _lanes(db, among):
        if not isinstance(due, (int, float)) or due > now:
            break
        rest = _rest(avoid, lane)
        if not rest:
            found = lane
            break
        if LOOK_AGAIN < rest < math.inf:
            resting.append((now + rest, lane))
            if len(resting) == MOST_LOOKS:
                break
    if resting:
        db.executemany("UPDATE lanes SET due = ? WHERE lane = ?", resting)
    return found


def _rest(avoid: Container[str], lane: str) -> float:
    """Return for how many seconds the lane is to be left alone: 0 it is not, infinity nobody knows."""
    if lane not in avoid:
        return 0.0
    return avoid.rest(lane) if isinstance(avoid, Resting) else math.inf


def _first_free(db: Connection, lane: str, now: float, me: str, held: Collection[str]) -> sqlite3.Row | None:
    rows = db.execute(
        f"SELECT rowid, * FROM effects WHERE state = 'waiting' AND lane = :lane AND {FREE} ORDER BY due LIMIT :most",  # noqa: S608
        {"lane": lane, "now": now, "me": me, "most": len(held) + 1},
    )
    return next((row for row in rows if row["key"] not in held), None)


def _is_due(due: object, now: float) -> bool:
    """Whether it is time; a moment that is none is one too: whoever claims it finds out that it is damaged."""
    return not isinstance(due, (int, float)) or due <= now


def _look_later(db: Connection, lane: str, first: sqlite3.Row | None, now: float) -> None:
    """Note when a look at the lane may be worth it: when its `first` free effect is due, if it has one."""
    if first is not None:
        db.execute("UPDATE lanes SET due = ? WHERE lane = ?", (first["due"], lane))
    elif db.execute("SELECT 1 FROM effects WHERE state = 'waiting' AND lane = ? LIMIT 1", (lane,)).fetchone():
        db.execute("UPDATE lanes SET due = ? WHERE lane = ?", (now + LOOK_AGAIN, lane))
    else:
        db.execute("DELETE FROM lanes WHERE lane = ?", (lane,))


def batch(db: Connection, first: sqlite3.Row) -> list[sqlite3.Row]:
    """Return all effects that become one message with `first`; the batch is made here when there is none yet.

    A batch keeps its members: what comes later waits for the next one, so that a repetition is the same message.
    """
    if not first["batch"]:
        db.execute(
            f"UPDATE effects SET batch = ? WHERE key IN (SELECT key FROM effects WHERE {BUNDLED} AND batch = ''"  # noqa: S608
            " AND state = 'waiting' ORDER BY created, rowid LIMIT ?)",
            (first["key"], first["bundle"], digest.MOST_IN_ONE),
        )
    values = (first["bundle"], first["batch"] or first["key"])
    return db.execute(
        f"SELECT rowid, * FROM effects WHERE {BUNDLED} AND batch = ? AND state = 'waiting' ORDER BY created, rowid",  # noqa: S608
        values,
    ).fetchall()
