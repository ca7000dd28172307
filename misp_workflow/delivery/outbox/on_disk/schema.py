"""The SQLite file: its tables, and the way from any older version of them to the newest."""

from __future__ import annotations

import sqlite3

from misp_workflow.delivery.digest import BY_CLOCK
from misp_workflow.errors import DeliveryError

_EARLIER = "INSERT INTO lanes VALUES (new.lane, new.due) ON CONFLICT (lane) DO UPDATE SET due = min(due, excluded.due)"

STEPS = (
    # 1: what waits, what died, and what was sent lately (without its content).
    """
    CREATE TABLE effects (
        key TEXT PRIMARY KEY,
        state TEXT NOT NULL,            -- waiting, dead, sent
        lane TEXT NOT NULL,
        label TEXT NOT NULL,
        action TEXT NOT NULL,
        destination TEXT NOT NULL,
        event TEXT NOT NULL,
        created REAL NOT NULL,          -- all times: seconds since 1970
        expires REAL NOT NULL,
        due REAL NOT NULL,
        ended REAL NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '',
        owner TEXT NOT NULL DEFAULT '', -- the process that tries it now
        sealed BLOB NOT NULL
    );
    CREATE INDEX effects_by_lane ON effects (lane, due) WHERE state = 'waiting';
    CREATE INDEX effects_by_age ON effects (expires) WHERE state = 'waiting';
    CREATE INDEX effects_by_end ON effects (ended) WHERE state = 'sent';
    CREATE TABLE leases (owner TEXT PRIMARY KEY, until REAL NOT NULL);
    CREATE TABLE ended (lane TEXT NOT NULL, how TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (lane, how));
    """,
    # 2: gathered messages, and the clock against which all times were written.
    """
    -- Effects of one bundle may become one message; those of one batch have become one.
    ALTER TABLE effects ADD COLUMN bundle TEXT NOT NULL DEFAULT '';
    ALTER TABLE effects ADD COLUMN batch TEXT NOT NULL DEFAULT '';
    CREATE INDEX effects_by_bundle ON effects (bundle, batch) WHERE bundle != '';
    CREATE INDEX effects_by_owner ON effects (owner) WHERE owner != '';
    CREATE TABLE clock (boot TEXT NOT NULL, started REAL NOT NULL);
    """,
    # 3: when to look at each lane, so that no claim needs to look at them all (see `queue`).
    f"""
    CREATE TABLE lanes (lane TEXT PRIMARY KEY, due REAL NOT NULL);
    CREATE INDEX lanes_by_time ON lanes (due);
    CREATE INDEX effects_by_creation ON effects (created) WHERE state = 'waiting';
    -- With the state in them, for SQLite looks at it again: so to count reads no effect.
    DROP INDEX effects_by_lane;
    CREATE INDEX effects_by_lane ON effects (lane, due, state) WHERE state = 'waiting';
    CREATE INDEX effects_by_death ON effects (lane, state) WHERE state = 'dead';
    CREATE TRIGGER effects_put AFTER INSERT ON effects WHEN new.state = 'waiting' BEGIN {_EARLIER}; END;
    CREATE TRIGGER effects_moved AFTER UPDATE OF lane, due, state ON effects WHEN new.state = 'waiting'
        BEGIN {_EARLIER}; END;
    """,
)

REBUILD = (
    "DELETE FROM lanes",
    "INSERT INTO lanes SELECT lane, min(due) FROM effects WHERE state = 'waiting' GROUP BY lane",
)
"""What makes the table of lanes anew from the effects."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version; each step is one transaction. DeliveryError when it is newer than this."""
    if _version(connection) == len(STEPS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have been quicker
        if version > len(STEPS):
            raise DeliveryError(
                f"The outbox was written by a newer version of misp-workflow-actions (layout {version}, known here are "
                f"1 to {len(STEPS)}): install that version again, or name another folder in MISP_WORKFLOW_STATE."
            )
        for step in STEPS[version:]:
            for statement in filter(str.strip, step.split(";\n")):
                connection.execute(statement)
        for statement in REBUILD:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def follow_clock(connection: sqlite3.Connection, boot: str, now: float, steady: float, jump: float) -> bool:
    """Move every time in the file along when the wall clock has jumped; return whether it had.

    In one run of the machine, the moment at which the steady clock began must stay the same: when it has moved, the
    wall clock was set. The first process that notices moves the times; the others find the new moment in the file.
    After a restart nobody can know how long the machine was off; then times that lie ahead are taken back to now.
    """
    started = now - steady
    known = connection.execute("SELECT boot, started FROM clock").fetchone()
    if known is None:
        connection.execute("INSERT INTO clock VALUES (?, ?)", (boot, started))
        return False
    shift = started - known[1]
    if known[0] == boot and abs(shift) <= jump:
        return False
    connection.execute("UPDATE clock SET boot = ?, started = ?", (boot, started))
    if boot and known[0] == boot:
        connection.execute(
            "UPDATE effects SET created = created + ?1, expires = expires + ?1,"
            " due = CASE WHEN bundle LIKE ?2 || '%' AND batch = '' THEN due ELSE due + ?1 END,"
            " ended = CASE WHEN ended THEN ended + ?1 ELSE 0 END",
            (shift, BY_CLOCK),
        )
        connection.execute("UPDATE leases SET until = until + ?", (shift,))
        return True
    connection.execute("DELETE FROM leases")
    connection.execute(
        "UPDATE effects SET expires = ?1 + expires - created, due = min(due, ?1), ended = min(ended, ?1), created = ?1"
        " WHERE created > ?1",
        (now,),
    )
    return True
