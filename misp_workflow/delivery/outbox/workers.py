"""The threads that deliver what waits. Started at the first need, never by an import; they end with the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from misp_workflow.errors import WorkflowError
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")
TIDY_EVERY = 2.0
AFTER_TROUBLE = 2.0
"""Seconds of rest for a worker that could not even ask the outbox."""
TOLD_AGAIN = 60.0
"""Seconds for which the same trouble is not logged again."""


class Workers:
    """`number` threads that call `work()`, which returns the seconds to rest, and one that calls `tidy()`.

    One of several calls `work_for_the_well()` instead: those who answer at once do not wait behind those who do not.
    """

    def __init__(
        self,
        number: int,
        work: Callable[[], float],
        tidy: Callable[[], None],
        work_for_the_well: Callable[[], float],
    ) -> None:
        self._number = number
        self._for_the_well = work_for_the_well
        self._work = work
        self._tidy = tidy
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self._posts = 0
        self._said: dict[str, float] = {}
        self._finishing = False  # nothing more is begun
        self._stopping = False

    def start(self) -> None:
        """Start the threads, unless they run or the process ends."""
        with self._lock:
            if self._threads or self._finishing:
                return
            kept: list[Callable[[], None]] = [partial(self._run, self._for_the_well)] if self._number > 1 else []
            others: list[Callable[[], None]] = [partial(self._run, self._work)] * (self._number - len(kept))
            tasks = [*kept, *others, self._keep]
            # Daemons: a try that hangs must not keep the server from ending. What it sends stays in the outbox.
            self._threads = [threading.Thread(target=task, name="misp-workflow-worker", daemon=True) for task in tasks]
            try:
                for thread in self._threads:
                    thread.start()
            except RuntimeError:  # the interpreter ends: no threads any more; the next process does the work
                self._finishing = self._stopping = True

    def wake(self) -> None:
        """There is something to do."""
        with self._news:
            self._posts += 1
            self._news.notify(2)  # one of them may be the one that works for some only

    def finish(self) -> None:
        """Begin nothing more, and return when what was begun has ended; meanwhile the tidying goes on."""
        with self._lock:
            self._finishing = True
        with self._news:
            self._news.notify_all()
        for thread in self._threads[:-1]:
            thread.join()

    def stop(self, patience: float) -> None:
        """Let every thread end what it does, for `patience` seconds in all."""
        with self._lock:
            self._finishing = self._stopping = True
        with self._news:
            self._news.notify_all()
        end = time.monotonic() + patience
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(end - time.monotonic(), 0))

    def _run(self, work: Callable[[], float]) -> None:
        while not self._finishing:
            with self._news:
                seen = self._posts
            rest = self._careful(work)
            if rest > 0:
                with self._news:
                    if self._posts == seen and not self._finishing:
                        self._news.wait(rest)

    def _keep(self) -> None:
        while not self._stopping:
            self._careful(self._tidy)
            with self._news:
                if not self._stopping:
                    self._news.wait_for(lambda: self._stopping, TIDY_EVERY)

    def _careful(self, task: Callable[[], float | None]) -> float:
        """Do a task; whatever happens, the thread lives on."""
        try:
            return task() or 0.0
        except WorkflowError as error:
            self._tell(f"{error} What waits is tried again.")
        except Exception:
            LOG.exception("bug in the delivery's workers")
        return AFTER_TROUBLE

    def _tell(self, trouble: str) -> None:
        """Log a trouble that all threads have at once, and have again and again, once a minute."""
        now = time.monotonic()
        with self._lock:
            lately = {said: when for said, when in self._said.items() if now - when < TOLD_AGAIN}
            self._said = {trouble: now, **lately}
        if trouble in lately:
            return
        LOG.error("%s", trouble)
