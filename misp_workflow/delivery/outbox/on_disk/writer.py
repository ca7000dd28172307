"""One thread that writes to the SQLite file, many writes in one commit.

A commit that survives a power cut costs milliseconds of disk. So whoever wants to write hands a job to this thread, and
all that came while the disk was busy go into the next commit together.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from misp_workflow.errors import WorkflowError
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]

MOST_IN_ONE = 256
COMPANY = 0.05
"""Seconds that a write for which nobody waits may wait for one to share its commit with."""
OTHERS = 0.004
"""Seconds that a write waits for others while several are asked for at once: a commit costs about the same for all."""
TRY_AGAIN_AFTER = 1.0
MOMENT = 0.5
"""Seconds for which what can no longer be taken back, because it is being written, is waited for besides. With the
usual `answer_within` that ends before somebody else answers that nobody knows."""


class Busy(Exception):  # noqa: N818 - a state, not a failure
    """The disk did not take it in time; it was not written."""


Store = Callable[[sqlite3.Connection, list[Any]], list[Any]]
"""Stores the things of several callers, and returns a result for each."""
StoreAtOnce = Callable[[sqlite3.Connection, list[Any]], list[Any] | None]
"""Does so by one statement outside a transaction, all or nothing; None: they must be stored within one."""


class _Order:
    """A job to run, or a thing to store, and what came of it.

    Not a Future: its condition wakes threads that cannot go on yet, which under load costs more than the disk.
    """

    def __init__(self, job: Job | None = None, thing: Any = None, *, stubborn: bool = False) -> None:
        self.job = job
        self.thing = thing
        self.stubborn = stubborn  # nobody waits for it; it is tried until the disk takes it
        self.given_up = False  # its caller was told that it is not written
        self.added = time.monotonic()
        self._decided = threading.Lock()  # taken by the first of the two who may decide: writer and caller
        self._ended = threading.Lock()
        self._ended.acquire()
        self._result: Any = None
        self._error: BaseException | None = None

    def begin(self) -> bool:
        """Whether it is to be written; from then on it can no longer be taken back."""
        return self.stubborn or self._decided.acquire(blocking=False)

    def take_back(self) -> bool:
        """Whether it will not be written."""
        return self._decided.acquire(blocking=False)

    def end(self, result: Any = None, error: BaseException | None = None) -> None:
        """Tell the one who waits."""
        self._result, self._error = result, error
        self._ended.release()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it came."""
        return self._ended.acquire(timeout=max(seconds, 0.0))

    def outcome(self) -> Any:
        """Return the result, or raise the error; once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result


class Writer:
    """Runs jobs in transactions of one connection, which `connect` opens in the writer's own thread.

    `connect` is asked before every transaction, so that it can hand out another connection when the file was replaced.
    `mend(error)` is called for an error of the database; when it returns True, the jobs are run once more (on what
    `connect` then hands out). What several callers `put` meanwhile is handed to `store` all at once, after the jobs;
    where there are none, to `store_at_once` first, for each statement costs this thread its turn.
    `committed` hears whether a transaction is on the disk or was rolled back, before anybody who waits does.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        mend: Callable[[sqlite3.Error], bool],
        store: Store,
        committed: Callable[[bool], None],
        store_at_once: StoreAtOnce = lambda db, things: None,
    ) -> None:
        self._connect = connect
        self._mend = mend
        self._store = store
        self._store_at_once = store_at_once
        self._committed = committed
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()  # for which somebody waits; None only wakes
        self._later: deque[_Order] = deque()
        self._refused: list[_Order] = []
        self._refused_until = 0.0
        self._ending = False
        self._crowded = False  # several waited for the last commit
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, job: Callable[[sqlite3.Connection], Result], deadline: float, *, hears: bool = False) -> Result:
        """Run the job and return its result once it is on the disk; Busy when that takes until the deadline.

        With `hears`, Busy means that it will not be written: what is being written by then is waited for.
        """
        found: Result = self._wait_for(_Order(job), deadline, hears)
        return found

    def put(self, thing: Any, deadline: float) -> Any:
        """Have the thing stored, and return the result once it is on the disk; Busy as with `run`."""
        return self._wait_for(_Order(thing=thing), deadline)

    def _wait_for(self, order: _Order, deadline: float, hears: bool = False) -> Any:
        self._begin()
        self._orders.put(order)
        more = threading.TIMEOUT_MAX if hears else MOMENT
        if not order.wait(deadline - time.monotonic()) and (order.take_back() or not order.wait(more)):
            order.given_up = True
            raise Busy
        return order.outcome()

    def later(self, job: Job) -> None:
        """Run the job soon, and when the disk refuses it, until the disk takes it."""
        self._begin()
        with self._lock:
            self._later.append(_Order(job, stubborn=True))
            is_first = len(self._later) == 1
        if is_first and not self._crowded:  # the others go with it; in a crowd it wakes by itself
            self._orders.put(None)

    def close(self, patience: float) -> None:
        """Write what is left, as far as it goes within `patience` seconds, and end the thread."""
        self._ending = True
        self._orders.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def _begin(self) -> None:
        if self._ending:
            raise Busy
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="misp-workflow-outbox", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while batch := self._next_batch():
            if begun := [order for order in batch if order.begin()]:
                self._write(begun)

    def _next_batch(self) -> list[_Order]:
        """Return what is to be written next; nothing when all is written and the end has come."""
        while True:
            urgent = self._urgent()
            if self._refused and time.monotonic() >= self._refused_until:
                self._later.extend(self._refused)
                self._refused.clear()
            if urgent or self._ending or (self._later and time.monotonic() >= self._later[0].added + COMPANY):
                later = [self._later.popleft() for _ in range(min(len(self._later), MOST_IN_ONE))]
                return later + urgent

    def _urgent(self) -> list[_Order]:
        """Wait for orders for which somebody waits, as long as nothing else is to be done, and return them."""
        soon = bool(self._later) or self._crowded
        patience = 0.0 if self._ending else COMPANY if soon else TRY_AGAIN_AFTER if self._refused else None
        found: list[_Order | None] = []
        with contextlib.suppress(Empty):
            found.append(self._orders.get(timeout=patience))
            if self._crowded:
                time.sleep(OTHERS)
            while len(found) < MOST_IN_ONE:
                found.append(self._orders.get_nowait())
        urgent = [order for order in found if order is not None]
        self._crowded = len(urgent) > 1
        return urgent

    def _write(self, batch: list[_Order]) -> None:
        try:
            self._commit(batch)
        except Exception as error:
            if not self._is_mended(error) and len(batch) == 1:
                self._fail(batch[0], error)
                return
            for order in batch:  # one by one: only those that cannot be written fail
                if order.given_up:  # each of those before it may have waited for a lock
                    continue
                try:
                    self._commit([order])
                except Exception as reason:
                    self._fail(order, reason)

    def _is_mended(self, error: Exception) -> bool:
        if not isinstance(error, sqlite3.Error):
            return False
        try:
            return self._mend(error)
        except Exception as trouble:  # this thread must live on, whatever the disk does
            LOG.error("The outbox cannot be mended: %s", trouble)
            return False

    def _commit(self, batch: list[_Order]) -> None:
        connection = self._connect()
        jobs = [order for order in batch if order.job is not None]
        puts = [order for order in batch if order.job is None]
        things = [order.thing for order in puts]
        try:
            stored = None if jobs else self._store_at_once(connection, things)
            if stored is not None:
                done = list(zip(puts, stored, strict=True))
            else:
                connection.execute("BEGIN IMMEDIATE")
                done = [(order, order.job(connection)) for order in jobs if order.job is not None]
                if puts:
                    done += zip(puts, self._store(connection, things), strict=True)
                connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._committed(False)
            raise
        self._committed(True)
        for order, result in done:
            if not order.stubborn:
                order.end(result)

    def _fail(self, order: _Order, error: Exception) -> None:
        if not order.stubborn:
            order.end(error=error)
        elif not isinstance(error, (sqlite3.Error, OSError, WorkflowError)):
            LOG.error("bug in the outbox", exc_info=error)
        else:
            self._put_off(order, error)

    def _put_off(self, order: _Order, error: Exception) -> None:
        LOG.error("The outbox cannot be written (%s); it is tried again.", error)
        self._refused.append(order)
        self._refused_until = time.monotonic() + TRY_AGAIN_AFTER
