"""Who holds what: a process that tries effects holds a lease, which it renews while it lives."""

from __future__ import annotations

import sqlite3
import uuid

from misp_workflow.delivery.outbox.on_disk.clock import JUMP, Clock
from misp_workflow.delivery.outbox.on_disk.file import File
from misp_workflow.delivery.outbox.on_disk.schema import follow_clock

LEASE = 8.0
"""Seconds after which a process that does not renew its lease counts as dead."""
RENEW = 2.0


class Lease:
    """This process's lease in the file, and the clock by which it runs. For the writer's thread."""

    def __init__(self, file: File, clock: Clock) -> None:
        self.owner = uuid.uuid4().hex
        self.renewed = 0.0
        self._file = file
        self._clock = clock
        self._boot = clock.boot()
        self._followed, self._started = 0, 0.0  # the file and the moment for which the clock was last compared

    def is_quiet(self, holds: bool) -> bool:
        """Whether `now`, and `renew` where somebody `holds` something, have nothing to write."""
        now, steady = self._clock.wall(), self._clock.steady()
        return not self._has_jumped(now, steady) and not (holds and self._is_old(now))

    def _has_jumped(self, now: float, steady: float) -> bool:
        return self._file.generation != self._followed or abs(now - steady - self._started) > JUMP

    def _is_old(self, now: float) -> bool:
        return not 0 <= now - self.renewed < RENEW / 2

    def now(self, db: sqlite3.Connection) -> float:
        """Return the wall clock's time, after taking notice of its jumps."""
        now, steady = self._clock.wall(), self._clock.steady()
        if self._has_jumped(now, steady):
            follow_clock(db, self._boot, now, steady, JUMP)
            self._followed, self._started = self._file.generation, now - steady
        return now

    def renew(self, db: sqlite3.Connection, now: float) -> None:
        """Say that this process lives, unless that was said a moment ago."""
        if self._is_old(now):
            db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (self.owner, now + LEASE))
            self.renewed = now

    def is_due(self, now: float) -> bool:
        """Whether it should be renewed."""
        return not 0 <= now - self.renewed < RENEW

    def rolled_back(self) -> None:
        """What this transaction wrote is not there."""
        self.renewed, self._followed = 0.0, 0

    def end(self, db: sqlite3.Connection) -> None:
        """Let go of all that this process holds."""
        db.execute("UPDATE effects SET owner = '' WHERE owner = ?", (self.owner,))
        db.execute("DELETE FROM leases WHERE owner = ?", (self.owner,))
