"""One thread that writes to the SQLite file, many writes in one commit.

A commit that survives a power cut costs milliseconds of disk. So whoever wants to write hands a job to this thread, and
all that came while the disk was busy go into the next commit together.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any, TypeVar

from misp_workflow.errors import WorkflowError

LOG = logging.getLogger("misp_workflow.delivery")

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]

MOST_IN_ONE = 256
COMPANY = 0.05
"""Seconds that a write for which nobody waits may wait for one to share its commit with."""
TRY_AGAIN_AFTER = 1.0


class Busy(Exception):  # noqa: N818 - a state, not a failure
    """The disk did not take it in time; it was not written."""


Store = Callable[[sqlite3.Connection, list[Any]], list[Any]]
"""Stores the things of several callers, and returns a result for each."""


@dataclass(eq=False)
class _Order:
    job: Job | None = None
    thing: Any = None  # to be stored; then there is no job
    result: Future[Any] = field(default_factory=Future)
    stubborn: bool = False
    added: float = field(default_factory=time.monotonic)


class Writer:
    """Runs jobs in transactions of one connection, which `connect` opens in the writer's own thread.

    `connect` is asked before every transaction, so that it can hand out another connection when the file was replaced.
    `mend(error)` is called for an error of the database; when it returns True, the jobs are run once more (on what
    `connect` then hands out). What several callers `put` meanwhile is handed to `store` all at once, after the jobs.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], mend: Callable[[sqlite3.Error], bool], store: Store
    ) -> None:
        self._connect = connect
        self._mend = mend
        self._store = store
        self._orders: deque[_Order] = deque()
        self._news = threading.Condition()
        self._refused: list[_Order] = []
        self._refused_until = 0.0
        self._urgent = 0  # orders for which somebody waits
        self._ending = False
        self._thread: threading.Thread | None = None

    def run(self, job: Callable[[sqlite3.Connection], Result], deadline: float) -> Result:
        """Run the job and return its result once it is on the disk; Busy when that takes until the deadline."""
        found: Result = self._wait_for(_Order(job), deadline)
        return found

    def put(self, thing: Any, deadline: float) -> Any:
        """Have the thing stored, and return the result once it is on the disk; Busy as with `run`."""
        return self._wait_for(_Order(thing=thing), deadline)

    def _wait_for(self, order: _Order, deadline: float) -> Any:
        self._add(order)
        try:
            return order.result.result(max(deadline - time.monotonic(), 0))
        except FutureTimeout:
            if not order.result.cancel():  # it is being written in this moment
                with contextlib.suppress(FutureTimeout):
                    return order.result.result(1.0)
            raise Busy from None

    def later(self, job: Job) -> None:
        """Run the job soon, and when the disk refuses it, until the disk takes it."""
        self._add(_Order(job, stubborn=True))

    def close(self, patience: float) -> None:
        """Write what is left, as far as it goes within `patience` seconds, and end the thread."""
        with self._news:
            self._ending = True
            self._news.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def _add(self, order: _Order) -> None:
        with self._news:
            if self._ending:
                raise Busy
            self._orders.append(order)
            self._urgent += not order.stubborn
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="misp-workflow-outbox", daemon=True)
                self._thread.start()
            self._news.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            # From here on a job that is waited for can no longer be taken back.
            batch = [order for order in batch if order.stubborn or order.result.set_running_or_notify_cancel()]
            if batch:
                self._write(batch)

    def _next_batch(self) -> list[_Order]:
        """Return what is to be written next; nothing when all is written and the end has come."""
        with self._news:
            while not (self._is_wanted() or self._ending):
                self._news.wait(COMPANY if self._orders else TRY_AGAIN_AFTER if self._refused else None)
            batch = [self._orders.popleft() for _ in range(min(len(self._orders), MOST_IN_ONE))]
            self._urgent -= sum(not order.stubborn for order in batch)
            return batch

    def _is_wanted(self) -> bool:
        """Whether a commit is due: somebody waits for one, or something has waited long enough for company."""
        now = time.monotonic()
        if self._refused and now >= self._refused_until:
            self._orders.extend(self._refused)
            self._refused.clear()
        return self._urgent > 0 or (bool(self._orders) and now >= self._orders[0].added + COMPANY)

    def _write(self, batch: list[_Order]) -> None:
        try:
            self._commit(batch)
        except Exception as error:
            if not (isinstance(error, sqlite3.Error) and self._mend(error)) and len(batch) == 1:
                self._fail(batch[0], error)
                return
            for order in batch:  # one by one: only those that cannot be written fail
                try:
                    self._commit([order])
                except Exception as reason:
                    self._fail(order, reason)

    def _commit(self, batch: list[_Order]) -> None:
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            done = [(order, order.job(connection)) for order in batch if order.job is not None]
            if puts := [order for order in batch if order.job is None]:
                done += zip(puts, self._store(connection, [order.thing for order in puts]), strict=True)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        for order, result in done:
            order.result.set_result(result)

    def _fail(self, order: _Order, error: Exception) -> None:
        if not order.stubborn:
            order.result.set_exception(error)
        elif not isinstance(error, (sqlite3.Error, OSError, WorkflowError)):
            LOG.error("bug in the outbox", exc_info=error)
        else:
            self._put_off(order, error)

    def _put_off(self, order: _Order, error: Exception) -> None:
        LOG.error("The outbox cannot be written (%s); it is tried again.", error)
        self._refused.append(order)
        self._refused_until = time.monotonic() + TRY_AGAIN_AFTER
