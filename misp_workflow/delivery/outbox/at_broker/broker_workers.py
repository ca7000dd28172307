"""dramatiq's workers, which take what waits at a broker."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable
from typing import Any, Literal

import dramatiq
from dramatiq.broker import Broker

from misp_workflow.delivery.outbox.at_broker.envelope import MAIN

FETCHING_ENDS = 30.0
"""Seconds that what fetches gets to end, of which it needs one at most: a connection that is closed while another
thread is at it stays open, and what was fetched over it is nobody's; or the closing waits for ever for what the other
thread has read. So what does not end is not closed."""
AT_THE_END = 5.0
"""The same where the process ends, and the connection with it."""


class BrokerWorkers:
    """dramatiq's own worker, in this process."""

    def __init__(self, broker: Broker, threads: int, ending: threading.Event) -> None:
        self._ending = ending
        self._worker = dramatiq.Worker(broker, queues={MAIN}, worker_threads=threads, worker_timeout=200)
        self._lock = threading.Lock()
        self._state: Literal["new", "running", "finishing", "over"] = "new"

    def start(self) -> None:
        if self._state != "new":
            return
        with self._lock:
            if self._state == "new":
                self._state = "running"
                with contextlib.suppress(RuntimeError):  # the interpreter ends: no threads any more
                    self._worker.start()

    def wake(self) -> None:
        """The broker does that."""

    def finish(self) -> None:
        with self._lock:
            before, self._state = self._state, "finishing" if self._worker.workers else "over"
        if before == "running":  # what fetches lives on: else the broker gave to others what is being tried
            for thread in self._worker.workers:
                thread.stop()
            for thread in self._worker.workers:
                thread.join()

    def stop(self, patience: float) -> None:
        self._ending.set()
        with self._lock:
            before, self._state = self._state, "over"
        if before not in ("running", "finishing"):
            return
        _end(self._worker.workers, patience)
        _end(self._worker.consumers.values(), FETCHING_ENDS if before == "finishing" else max(patience, AT_THE_END))
        if not any(one.is_alive() for one in self._worker.consumers.values()):
            self._worker.stop(timeout=1)


def _end(threads: Iterable[Any], patience: float) -> None:
    """Ask dramatiq's threads to end, and wait for all of them together for so many seconds."""
    end = time.monotonic() + patience
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0.0))
