"""The outbox as an SQLite file: for one machine, any number of processes.

A process that tries effects holds a lease, which it renews while it lives. Effects are marked with their holder; when
the lease has run out (kill -9, power cut), they are free for whoever comes next.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox import repair, rows
from misp_workflow.delivery.outbox.base import Claim, Entry, Item, Taken, Totals
from misp_workflow.delivery.outbox.clock import JUMP, Clock
from misp_workflow.delivery.outbox.file import File, no_room, refusal
from misp_workflow.delivery.outbox.memory import Memory
from misp_workflow.delivery.outbox.reader import Reader
from misp_workflow.delivery.outbox.schema import follow_clock
from misp_workflow.delivery.outbox.seal import Seal, key_beside
from misp_workflow.delivery.outbox.workers import Workers
from misp_workflow.delivery.outbox.writer import Busy, Writer
from misp_workflow.delivery.retry import sentence_of_age
from misp_workflow.effects import Effect, Parcel
from misp_workflow.errors import DeliveryError, WorkflowError

LEASE = 8.0
"""Seconds after which a process that does not renew its lease counts as dead."""
RENEW = 2.0
LOOK_EVERY = 1.0
LONGEST_PAUSE = 1.0
"""Seconds between two looks for what other processes put."""
CHANGE_PATIENCE = 10.0
"""Seconds that a repair by hand may take."""

Result = TypeVar("Result")
Connection = sqlite3.Connection


class _Put(NamedTuple):
    """What one caller puts. No two effects are sealed alike: so a row is known for this caller's."""

    items: Sequence[Item]
    sealed: Sequence[bytes]


class SqliteOutbox:
    """See `Outbox`. `window` seconds for which a key that was sent is remembered, `max_bytes` of the file."""

    def __init__(
        self, folder: Path, *, window: float, max_bytes: int, key: str = "", clock: Clock | None = None
    ) -> None:
        self._folder = folder
        self._file = File(folder)
        self._window = window
        self._max_bytes = max_bytes
        self._key = key
        self._clock = clock or Clock()
        self._boot = self._clock.boot()
        self._owner = uuid.uuid4().hex
        self._writer = Writer(self._file.write, self._file.mend, self._store, self._committed)
        self._memory = Memory()
        self._renewed = 0.0
        self._room, self._looked = 0, 0.0  # bytes left when that was last looked up, and when that was
        self._followed, self._started = 0, 0.0  # the file and the moment for which the clock was last compared
        self._reader = Reader(self._file, self._corrupt)
        self._seal_made: Seal | None = None

    # --- storing ------------------------------------------------------------------------------------------------------

    def put(self, items: Sequence[Item], deadline: float) -> list[Taken]:
        try:
            sealed = [self._seal.close(item.parcel.effect) for item in items]
        except (OSError, WorkflowError) as error:
            raise refusal(self._file.path, error) from None

        keys = [item.parcel.key for item in items]
        ours = self._memory.hold(key for key, item in zip(keys, items, strict=True) if item.hold)
        put = _Put(items, sealed)
        try:
            stored: list[Taken] | None = self._writing(lambda: self._writer.put(put, deadline))
            if stored is None:
                raise no_room(self._file.path, self._max_bytes)
        except DeliveryError:
            self._memory.let_go(ours)
            self._take_back(put)
            raise
        self._memory.let_go(key for key, how in zip(keys, stored, strict=True) if how != "taken" and key in ours)
        return stored

    def _store(self, db: Connection, puts: list[_Put]) -> list[list[Taken] | None]:
        """Store what several callers put, and return how each of theirs was taken; None: there was no room."""
        now, before = self._now(db), 0
        found: list[rows.Row] = []
        fits: list[bool] = []
        for put in puts:
            size = sum(map(len, put.sealed))
            fits.append(self._has_room(db, size, before))
            if not fits[-1]:
                continue
            before += size
            for item, blob in zip(put.items, put.sealed, strict=True):
                found.append(rows.row(db, item, blob, now, self._owner if item.hold else ""))
            if any(item.hold for item in put.items):
                self._renew(db, now)
        stored = iter(rows.store(db, found, now, self._window))
        return [[next(stored) for _ in put.items] if fit else None for put, fit in zip(puts, fits, strict=True)]

    def _has_room(self, db: Connection, more: int, before: int) -> bool:
        """Whether the file may grow by `more` bytes, after `before` that this commit stores besides.

        Looked up when it may have become full since the last look.
        """
        self._room -= more + 2048  # and what a row costs besides
        if self._room < 0 or not 0 <= time.monotonic() - self._looked < LOOK_EVERY:
            self._room, self._looked = self._max_bytes - repair.used(db) - before - more, time.monotonic()
        return self._room >= 0

    def _take_back(self, put: _Put) -> None:
        """Remove what may have reached the disk after we said that it did not; what others put stays."""
        change = "DELETE FROM effects WHERE key = ? AND sealed = ? AND state = 'waiting' AND tries = 0"
        theirs = [(item.parcel.key, blob) for item, blob in zip(put.items, put.sealed, strict=True)]
        with contextlib.suppress(Busy):
            self._writer.later(lambda db: db.executemany(change, theirs))

    def workers(
        self,
        threads: int,
        handle: Callable[[Claim], None],
        blocked: Callable[[], Collection[str]],
        died: Callable[[Entry], None],
    ) -> Workers:
        def work() -> float:
            avoid = blocked()
            claim = self.claim(avoid)
            if claim is None:
                return self.pause(avoid)
            handle(claim)
            return 0.0

        def tidy() -> None:
            for entry in self.tidy():
                died(entry)

        return Workers(threads, work, tidy)

    # --- working ------------------------------------------------------------------------------------------------------

    def claim(self, avoid: Collection[str]) -> Claim | None:
        """Take what is due on a lane that is not to be avoided, for this process alone; None when there is nothing."""
        if self._next_due(avoid) > self._clock.wall():
            return None
        claimed = self._run(lambda db: self._claim(db, avoid), time.monotonic() + CHANGE_PATIENCE)
        if not claimed:
            return None
        first = claimed[0]
        keys = tuple(row["key"] for row in claimed)
        try:
            effects = [self._seal.open(row["sealed"]) for row in claimed]
        except (WorkflowError, OSError) as error:
            self._bury(keys, f"It cannot be read: {error}.", first["lane"])
            return None
        parcel = Parcel(
            key=digest.batch_key(keys) if len(keys) > 1 else first["key"],
            effect=digest.merge(effects, self._clock.wall() - first["created"]),
            action=first["action"],
            event=first["event"] if len({row["event"] for row in claimed}) == 1 else "",
            created=first["created"],
        )
        last = first["expires"] <= self._clock.wall()
        return Claim(parcel=parcel, lane=first["lane"], keys=keys, tries=first["tries"], last=last)

    def _claim(self, db: Connection, avoid: Collection[str]) -> list[sqlite3.Row]:
        """Take what is due first; with it, what is to become one message with it."""
        now = self._now(db)
        found = rows.first_of_each_lane(db, now, self._owner, self._memory.in_hand(), avoid)
        first = min(found, key=lambda row: float(row["due"]), default=None)
        if first is None or first["due"] > now:
            return []
        self._renew(db, now)
        batch = rows.batch(db, first) if first["bundle"] else [first]
        keys = [row["key"] for row in batch]
        db.executemany("UPDATE effects SET owner = ? WHERE key = ?", [(self._owner, key) for key in keys])
        self._memory.claim(keys)
        return batch

    def done(self, claim: Claim) -> None:
        self._settle(
            claim.keys, "sent", "state = 'sent', ended = :now, sealed = x'', bundle = '', reason = ''", claim.lane
        )

    def again(self, claim: Claim, wait: float, reason: str, *, counts: bool = True) -> None:
        change = f"due = :now + :wait, tries = tries + {int(counts)}, reason = :reason"
        self._settle(claim.keys, "", change, claim.lane, wait=wait, reason=reason)

    def bury(self, claim: Claim, reason: str) -> None:
        self._bury(claim.keys, reason, claim.lane)

    def _bury(self, keys: Sequence[str], reason: str, lane: str) -> None:
        change = "state = 'dead', ended = :now, tries = tries + 1, reason = :reason"
        self._settle(keys, "dead", change, lane, reason=reason)

    def _settle(self, keys: Sequence[str], how: str, change: str, lane: str, **values: Any) -> None:
        """Write what became of effects that this process holds, and let go of them; not waited for."""

        def job(db: Connection) -> None:
            now = self._now(db)
            changed = 0
            for key in keys:
                changed += db.execute(
                    f"UPDATE effects SET {change}, owner = '' WHERE key = :key AND state = 'waiting'",  # noqa: S608 - ours
                    {**values, "now": now, "key": key},
                ).rowcount
            self._memory.settle(keys, lane, how, changed)

        with contextlib.suppress(Busy):  # at the end of the process: it is tried again, with the same key
            self._writer.later(job)

    def forget(self, key: str, deadline: float) -> None:
        def job(db: Connection) -> None:
            row = db.execute("SELECT lane FROM effects WHERE key = ? AND owner = ?", (key, self._owner)).fetchone()
            if row is not None:
                db.execute("DELETE FROM effects WHERE key = ?", (key,))
            self._memory.settle([key], row["lane"] if row else "", "refused" if row else "", 1)

        self._run(job, deadline)

    def anything_waits(self) -> bool:
        def ask(db: Connection) -> bool:
            return bool(db.execute("SELECT EXISTS (SELECT 1 FROM effects WHERE state = 'waiting')").fetchone()[0])

        return self._read(ask, False)

    # --- time ---------------------------------------------------------------------------------------------------------

    def pause(self, avoid: Collection[str]) -> float:
        """Return the seconds until something may be due."""
        return min(max(self._next_due(avoid) - self._clock.wall(), 0.0), LONGEST_PAUSE)

    def _next_due(self, avoid: Collection[str]) -> float:
        def earliest(db: Connection) -> float:
            found = rows.first_of_each_lane(db, self._clock.wall(), self._owner, self._memory.in_hand(), avoid)
            return min((float(row["due"]) for row in found), default=float("inf"))

        return self._read(earliest, float("inf"))

    def tidy(self) -> list[Entry]:
        """Do what time asks for (lease, ages, window), every few seconds; return what died of age."""
        now = self._clock.wall()
        renew = bool(self._memory.in_hand()) and not 0 <= now - self._renewed < RENEW

        def overdue(db: Connection) -> bool:
            found = db.execute(
                f"SELECT EXISTS (SELECT 1 FROM effects WHERE {rows.OVERDUE})"  # noqa: S608 - ours
                " OR EXISTS (SELECT 1 FROM effects WHERE state = 'sent' AND ended <= :now - :window)",
                {"now": now, "me": self._owner, "window": self._window},
            )
            return bool(found.fetchone()[0])

        if not renew and not self._memory.ended and not self._read(overdue, False):
            return []
        return self._run(self._tidy, time.monotonic() + CHANGE_PATIENCE)

    def _tidy(self, db: Connection) -> list[Entry]:
        now = self._now(db)
        self._write_numbers(db)
        if self._memory.in_hand():
            self._renew(db, now)
        db.execute("DELETE FROM leases WHERE until < ?", (now - 3600,))
        db.execute("DELETE FROM effects WHERE state = 'sent' AND ended <= ?", (now - self._window,))
        old = db.execute(
            f"SELECT * FROM effects WHERE {rows.OVERDUE} LIMIT 1000",  # noqa: S608 - ours
            {"now": now, "me": self._owner},
        ).fetchall()
        held = self._memory.in_hand()
        old = [row for row in old if row["key"] not in held]
        for row in old:
            reason = sentence_of_age(now - row["created"], row["reason"])
            db.execute(
                "UPDATE effects SET state = 'dead', ended = ?, reason = ?, owner = '' WHERE key = ?",
                (now, reason, row["key"]),
            )
            repair.count(db, row["lane"], "dead", 1)
        keys = [row["key"] for row in old]
        return [repair.entry(row) for key in keys for row in db.execute("SELECT * FROM effects WHERE key = ?", (key,))]

    def _write_numbers(self, db: Connection) -> None:
        """Write how many ended; only now and then, for they are no more than good to know."""
        for (lane, how), number in self._memory.numbers().items():
            repair.count(db, lane, how, number)

    def _committed(self, committed: bool) -> None:
        """Hear how a transaction ended; what one that was rolled back found out must be found out anew."""
        self._memory.committed(committed)
        if not committed:
            self._renewed = self._looked = 0.0
            self._followed = 0

    def _now(self, db: Connection) -> float:
        """Return the wall clock's time, after taking notice of its jumps."""
        now, steady = self._clock.wall(), self._clock.steady()
        known = (self._file.generation, self._started)
        if known[0] != self._followed or abs(now - steady - known[1]) > JUMP:
            follow_clock(db, self._boot, now, steady, JUMP)
            self._followed, self._started = self._file.generation, now - steady
        return now

    def _renew(self, db: Connection, now: float) -> None:
        if not 0 <= now - self._renewed < RENEW / 2:
            db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (self._owner, now + LEASE))
            self._renewed = now

    # --- people -------------------------------------------------------------------------------------------------------

    def entries(self, state: Literal["", "waiting", "dead"] = "") -> list[Entry]:
        return self._read(lambda db: repair.entries(db, state, self._clock.wall()), [])

    def show(self, key: str) -> tuple[Entry, Effect]:
        found = self._read(lambda db: repair.one(db, key, self._clock.wall()), None)
        if found is None:
            raise KeyError(key)
        return found[0], self._seal.open(found[1])

    def requeue(self, keys: Collection[str]) -> int:
        return self._run(lambda db: repair.requeue(db, keys, self._now(db)), time.monotonic() + CHANGE_PATIENCE)

    def drop(self, keys: Collection[str]) -> list[Entry]:
        return self._run(lambda db: repair.drop(db, keys), time.monotonic() + CHANGE_PATIENCE)

    def totals(self) -> Totals:
        none_yet = Totals(counts={}, ended={}, oldest=None, bytes_used=0, bytes_most=self._max_bytes)
        if self._memory.ended:
            self._run(self._write_numbers, time.monotonic() + CHANGE_PATIENCE)
        return self._read(lambda db: repair.totals(db, self._max_bytes), none_yet)

    def notices(self) -> list[str]:
        return [
            f"A corrupt outbox was put aside as {path}; what waited in it was not delivered. Remove it when you have "
            "seen to that."
            for path in self._file.aside()
        ]

    # --- the machinery ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        def job(db: Connection) -> None:
            db.execute("UPDATE effects SET owner = '' WHERE owner = ?", (self._owner,))
            db.execute("DELETE FROM leases WHERE owner = ?", (self._owner,))
            self._write_numbers(db)

        if self._renewed or self._memory.ended:
            with contextlib.suppress(DeliveryError):
                self._run(job, time.monotonic() + 1.0)
        self._writer.close(1.0)
        self._file.close()
        self._reader.close()

    @property
    def _seal(self) -> Seal:
        if self._seal_made is None:
            if not self._key:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._seal_made = Seal(self._key or key_beside(self._folder))
        return self._seal_made

    def _run(self, job: Callable[[Connection], Result], deadline: float) -> Result:
        return self._writing(lambda: self._writer.run(job, deadline))

    def _writing(self, write: Callable[[], Result]) -> Result:
        """Write, and return what came of it; DeliveryError says why it cannot be."""
        try:
            return write()
        except Busy:
            raise DeliveryError(
                f"The outbox {self._file.path} did not take it in time: the disk is slow, or another process holds it."
            ) from None
        except (sqlite3.Error, OSError) as error:
            raise refusal(self._file.path, error) from None

    def _read(self, question: Callable[[Connection], Result], without: Result) -> Result:
        """Ask the file; `without` is the answer when there is none yet."""
        try:
            return self._reader.ask(question, without)
        except sqlite3.Error as error:
            raise refusal(self._file.path, error) from None

    def _corrupt(self, error: sqlite3.Error, inode: int) -> None:
        """Let the writer find out that the file is corrupt, if it still is that file: it alone puts files aside."""

        def job(db: Connection) -> None:
            if self._file.inode() == inode:
                raise error

        with contextlib.suppress(Busy):
            self._writer.later(job)
