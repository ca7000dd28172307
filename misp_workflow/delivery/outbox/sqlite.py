"""The outbox as an SQLite file: for one machine, any number of processes.

A process that tries effects holds a lease, which it renews while it lives. Effects are marked with their holder; when
the lease has run out (kill -9, power cut), they are free for whoever comes next.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from misp_workflow.deadline import may_wait
from misp_workflow.delivery.outbox.base import (
    AFTER_A_BUG,
    LATEST,
    Claim,
    Entry,
    Item,
    Knowing,
    Rest,
    Resting,
    Still,
    Taken,
    Totals,
)
from misp_workflow.delivery.outbox.on_disk import damage, queue, repair, rows
from misp_workflow.delivery.outbox.on_disk.clock import Clock
from misp_workflow.delivery.outbox.on_disk.disk import Disk
from misp_workflow.delivery.outbox.on_disk.file import no_room, refusal
from misp_workflow.delivery.outbox.on_disk.lease import Lease
from misp_workflow.delivery.outbox.on_disk.memory import Memory
from misp_workflow.delivery.outbox.seal import Seal, key_beside
from misp_workflow.delivery.outbox.workers import Workers
from misp_workflow.effects import Effect
from misp_workflow.errors import DeliveryError, WorkflowError

LOOK_EVERY = 1.0
LONGEST_PAUSE = 1.0
"""Seconds between two looks for what other processes put."""
CHANGE_PATIENCE = 10.0
"""Seconds that a repair by hand may take."""

Connection = sqlite3.Connection


class _Put(NamedTuple):
    """What one caller puts. No two effects are sealed alike: so a row is known for this caller's."""

    items: Sequence[Item]
    sealed: Sequence[bytes]


def _holds(puts: Sequence[_Put]) -> bool:
    return any(item.hold for put in puts for item in put.items)


class SqliteOutbox:
    """See `Outbox`. `window` seconds for which a key that was sent is remembered, `max_bytes` of the file."""

    def __init__(
        self, folder: Path, *, window: float, max_bytes: int, key: str = "", clock: Clock | None = None
    ) -> None:
        self._folder = folder
        self._disk = Disk(folder, self._store, self._committed, self._store_at_once)
        self._window = window
        self._max_bytes = max_bytes
        self._key = key
        self._clock = clock or Clock()
        self._lease = Lease(self._disk.file, self._clock)
        self._search = damage.Search()
        self._dead: list[Entry] = []  # what died unread and was not told of yet
        self._memory = Memory()
        self._room, self._looked = 0, 0.0  # bytes left when that was last looked up, and when that was
        self._seal_made: Seal | None = None

    # --- storing ------------------------------------------------------------------------------------------------------

    def put(self, items: Sequence[Item], deadline: float) -> list[Taken]:
        try:
            sealed = [self._seal.close(item.parcel.effect) for item in items]
        except (OSError, WorkflowError) as error:
            raise refusal(self._disk.path, error) from None

        keys = [item.parcel.key for item in items]
        ours = self._memory.hold(key for key, item in zip(keys, items, strict=True) if item.hold)
        put = _Put(items, sealed)
        try:
            stored: list[Taken] | None = self._disk.put(put, deadline)
            if stored is None:
                raise no_room(self._disk.path, self._max_bytes)
        except DeliveryError:
            self._memory.let_go(ours)
            self._take_back(put)
            raise
        self._memory.let_go(key for key, how in zip(keys, stored, strict=True) if how != "taken" and key in ours)
        return stored

    def still(self, keys: Collection[str]) -> Still:
        now = self._clock.wall()
        return self._disk.read(lambda db: rows.still(db, keys, now, self._lease.owner), "waiting")

    def _store(self, db: Connection, puts: list[_Put]) -> list[list[Taken] | None]:
        """Store what several callers put, and return how each of theirs was taken; None: there was no room."""
        now = self._lease.now(db)
        found, fits = self._rows(db, puts, now)
        if _holds(puts):
            self._lease.renew(db, now)
        stored = iter(rows.store(db, found, now, self._window))
        return [[next(stored) for _ in put.items] if fit else None for put, fit in zip(puts, fits, strict=True)]

    def _store_at_once(self, db: Connection, puts: list[_Put]) -> list[list[Taken] | None] | None:
        """Do the same where one statement is enough, and each effect is a new one: else `_store` must find out how.

        Whatever that one has stored by then, `_store` knows again by how it is sealed.
        """
        if sum(len(put.items) for put in puts) > rows.MOST_ROWS or not self._lease.is_quiet(_holds(puts)):
            return None
        now = self._lease.now(db)
        found, fits = self._rows(db, puts, now)
        if not found or not rows.are_new(db, found, now, self._window):
            return None
        return [["taken"] * len(put.items) if fit else None for put, fit in zip(puts, fits, strict=True)]

    def _rows(self, db: Connection, puts: list[_Put], now: float) -> tuple[list[rows.Row], list[bool]]:
        """Return what is to be stored, and whether there is room for what each caller puts."""
        found: list[rows.Row] = []
        fits: list[bool] = []
        gathered_until: dict[str, float] = {}
        before = 0
        for put in puts:
            size = sum(map(len, put.sealed))
            fits.append(self._has_room(db, size, before))
            if fits[-1]:
                before += size
                for item, blob in zip(put.items, put.sealed, strict=True):
                    owner = self._lease.owner if item.hold else ""
                    found.append(rows.row(db, item, blob, now, owner, gathered_until))
        return found, fits

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
        self._disk.later(lambda db: db.executemany(change, theirs))

    def workers(
        self,
        threads: int,
        handle: Callable[[Claim], None],
        blocked: Callable[[], Knowing],
        died: Callable[[Entry], None],
    ) -> Workers:
        # what is known from before this process
        once = cache(partial(self._disk.read, queue.once_reached, list[str]()))

        def work(avoid: Resting, among: Sequence[str] | None = None) -> float:
            claim = self.claim(avoid, among)
            if claim is None:
                return self.pause(avoid, among)
            try:
                handle(claim)
            except BaseException:  # else nobody would try it before this process ends
                self.again(claim, AFTER_A_BUG, "", counts=False)
                raise
            return 0.0

        def tidy() -> None:
            for entry in self.tidy():
                died(entry)

        return Workers(threads, lambda: work(blocked()), tidy, lambda: work(avoid := blocked(), avoid.well(once())))

    # --- working ------------------------------------------------------------------------------------------------------

    def claim(self, avoid: Container[str], among: Sequence[str] | None = None) -> Claim | None:
        """Take what is due on a lane that is not to be avoided, for this process alone; None when there is nothing.

        With `among`, only these lanes are looked at. What cannot be read goes to the dead letters, alone.
        """
        if self._next_look(avoid, among) > self._clock.wall():
            return None
        seal = self._key_to_read()
        # Whatever is claimed must be heard of: nobody else would try what this process holds.
        end = time.monotonic() + CHANGE_PATIENCE
        claimed = self._disk.run(lambda db: self._claim(db, avoid, among), end, hears=True)
        read: list[tuple[sqlite3.Row, Effect]] = []
        for row in claimed:
            try:
                read.append((row, seal.open(row["sealed"])))
            except WorkflowError as error:
                self._bury_unread(row, f"It cannot be read: {error}.")
        if not read:
            return None
        return queue.claimed(read, self._clock.wall())

    def _bury_unread(self, row: sqlite3.Row, reason: str) -> None:
        self._bury([row["key"]], reason, row["lane"])
        self._dead.append(repair.entry({**dict(row), "state": "dead", "reason": reason}))

    def _key_to_read(self) -> Seal:
        """Return the seal; DeliveryError when there is no key: that is no fault of what waits."""
        try:
            return self._seal
        except (OSError, WorkflowError) as error:
            raise refusal(self._disk.path, error) from None

    def _claim(self, db: Connection, avoid: Container[str], among: Sequence[str] | None) -> list[sqlite3.Row]:
        """Take what is due first, and what is to become one message with it. Damaged rows are buried here."""
        now = self._lease.now(db)
        sound, dead = queue.take(db, now, self._lease.owner, self._memory.in_hand(), avoid, among)
        self._dead += dead
        if not sound:
            return []
        self._lease.renew(db, now)
        keys = [row["key"] for row in sound]
        db.executemany("UPDATE effects SET owner = ? WHERE key = ?", [(self._lease.owner, key) for key in keys])
        self._memory.claim(keys)
        return sound

    def done(self, claim: Claim) -> None:
        self._settle(
            claim.keys, "sent", "state = 'sent', ended = :now, sealed = x'', bundle = '', reason = ''", claim.lane
        )

    def again(self, claim: Claim, wait: float, reason: str, *, counts: bool = True) -> None:
        change = f"due = :now + :wait, tries = tries + {int(counts)}, reason = :reason"
        self._settle(claim.keys, "", change, claim.lane, wait=wait, reason=reason)

    def part(self, claim: Claim, rest: Rest) -> None:
        (key,) = claim.keys
        left, refused = (None if one is None else self._seal.close(one) for one in (rest.left, rest.refused))

        def job(db: Connection) -> None:
            rows.part(db, key, rest, left, refused, self._lease.now(db))
            self._memory.settle([key], claim.lane, "sent" if left is None else "", 1)

        self._disk.later(job)

    def bury(self, claim: Claim, reason: str) -> None:
        self._bury(claim.keys, reason, claim.lane)

    def _bury(self, keys: Sequence[str], reason: str, lane: str) -> None:
        change = "state = 'dead', ended = :now, tries = tries + 1, reason = :reason"
        self._settle(keys, "dead", change, lane, reason=reason)

    def _settle(self, keys: Sequence[str], how: str, change: str, lane: str, **values: Any) -> None:
        """Write what became of effects that this process holds, and let go of them; not waited for.

        Who stood still for longer than its lease holds them no more: then only that it was sent is news.
        """
        ours = "" if how == "sent" else " AND owner IN ('', :me)"

        def job(db: Connection) -> None:
            now = self._lease.now(db)
            changed = 0
            for key in keys:
                changed += db.execute(
                    f"UPDATE effects SET {change}, owner = '' WHERE key = :key AND state = 'waiting'{ours}",  # noqa: S608
                    {**values, "now": now, "key": key, "me": self._lease.owner},
                ).rowcount
            self._memory.settle(keys, lane, how, changed)

        self._disk.later(job)  # at the end of the process: it is tried again, with the same key

    def forget(self, key: str, deadline: float) -> None:
        def job(db: Connection) -> None:
            ours = (key, self._lease.owner)
            row = db.execute("SELECT lane FROM effects WHERE key = ? AND owner = ?", ours).fetchone()
            if row is not None:
                db.execute("DELETE FROM effects WHERE key = ?", (key,))
            self._memory.settle([key], row["lane"] if row else "", "refused" if row else "", 1)

        self._disk.run(job, deadline)

    def anything_waits(self) -> bool:
        return self._disk.read(repair.anything_waits, False)

    # --- time ---------------------------------------------------------------------------------------------------------

    def pause(self, avoid: Container[str], among: Sequence[str] | None = None) -> float:
        """Return the seconds until something may be due."""
        return min(max(self._next_look(avoid, among) - self._clock.wall(), 0.0), LONGEST_PAUSE)

    def _next_look(self, avoid: Container[str], among: Sequence[str] | None) -> float:
        return self._disk.read(lambda db: queue.next_look(db, avoid, among), math.inf)

    def tidy(self) -> list[Entry]:
        """Do what time asks for (lease, ages, window), every few seconds; return what died untried since."""
        now = self._clock.wall()
        if not self._search.over and self._disk.read(self._search.look, False):
            self._dead += self._disk.run(lambda db: self._search.bury(db, now), time.monotonic() + CHANGE_PATIENCE)
        unread, self._dead = self._dead, []
        renew = bool(self._memory.in_hand()) and self._lease.is_due(now)

        def overdue(db: Connection) -> bool:
            return repair.is_anything_over(db, now, self._lease.owner, self._window)

        if not renew and not self._memory.ended and not self._disk.read(overdue, False):
            return unread
        return unread + self._disk.run(self._tidy, time.monotonic() + CHANGE_PATIENCE, hears=True)

    def _tidy(self, db: Connection) -> list[Entry]:
        now = self._lease.now(db)
        self._write_numbers(db)
        if self._memory.in_hand():
            self._lease.renew(db, now)
        db.execute("DELETE FROM leases WHERE until < ?", (now - 3600,))
        db.execute("DELETE FROM effects WHERE state = 'sent' AND ended <= ?", (now - self._window,))
        db.execute("UPDATE lanes SET due = ? WHERE due > ?", (now, LATEST))
        return repair.bury_old(db, now, self._lease.owner, self._memory.in_hand())

    def _write_numbers(self, db: Connection) -> None:
        """Write how many ended; only now and then, for they are no more than good to know."""
        for (lane, how), number in self._memory.numbers().items():
            repair.count(db, lane, how, number)

    def _committed(self, committed: bool) -> None:
        """Hear how a transaction ended; what one that was rolled back found out must be found out anew."""
        self._memory.committed(committed)
        if not committed:
            self._looked = 0.0
            self._lease.rolled_back()

    # --- people -------------------------------------------------------------------------------------------------------

    def entries(self, state: Literal["", "waiting", "dead"] = "") -> list[Entry]:
        return list(self.each(state))

    def each(self, state: Literal["", "waiting", "dead"] = "") -> Iterator[Entry]:
        nothing: tuple[list[Entry], int] = ([], 0)
        last = 0
        while True:
            page, last = self._disk.look(partial(repair.page, state=state, after=last, now=self._clock.wall()), nothing)
            if not page:
                return
            yield from page

    def find(self, beginning: str) -> list[Entry]:
        return self._disk.look(lambda db: repair.find(db, beginning, self._clock.wall()), [])

    def show(self, key: str) -> tuple[Entry, Effect]:
        found = self._disk.look(lambda db: repair.one(db, key, self._clock.wall()), None)
        if found is None:
            raise KeyError(key)
        return found[0], self._seal.open(found[1])

    def requeue(self, keys: Collection[str]) -> int:
        end = time.monotonic() + CHANGE_PATIENCE
        return self._disk.run(lambda db: repair.requeue(db, keys, self._lease.now(db)), end)

    def drop(self, keys: Collection[str]) -> list[Entry]:
        return self._disk.run(lambda db: repair.drop(db, keys), time.monotonic() + CHANGE_PATIENCE)

    def totals(self) -> Totals:
        none_yet = Totals(counts={}, ended={}, oldest=None, bytes_used=0, bytes_most=self._max_bytes)
        if self._memory.ended:
            self._disk.run(self._write_numbers, time.monotonic() + CHANGE_PATIENCE)
        return self._disk.look(lambda db: repair.totals(db, self._max_bytes), none_yet)

    def notices(self) -> list[str]:
        return [
            f"A corrupt outbox was put aside as {path}; what waited in it was not delivered. Remove it when you have "
            "seen to that."
            for path in self._disk.file.aside()
        ]

    # --- the machinery ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        def job(db: Connection) -> None:
            self._lease.end(db)
            self._write_numbers(db)

        if self._lease.renewed or self._memory.ended:
            with contextlib.suppress(DeliveryError):
                self._disk.run(job, time.monotonic() + 1.0)
        self._disk.close(1.0)

    @property
    def _seal(self) -> Seal:
        if self._seal_made is None:
            may_wait()
            self._seal_made = Seal(self._key or key_beside(self._folder))
        return self._seal_made
