"""Rows are written by a thread of their own, so that no delivery waits for the ledger's disk or server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

from misp_workflow.delivery.ledger.base import Sent
from misp_workflow.errors import DeliveryError
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")

MOST_PENDING = 200_000
"""Rows in memory; when more than that cannot be written, further ones are lost, and said to be."""
AGAIN_AFTER = 5.0
"""Seconds after which rows are tried again that could not be written: somebody has the file locked, say."""
CHUNK = 2000
COMPANY = 0.3
"""Seconds that rows wait for others to be written with, unless somebody asks: each writing opens the file anew."""
PATIENCE = 2.0
SAY_EVERY = 60.0


class Background:
    """Hands rows to `write`, many at a time; what it raises of `troubles` costs these rows, and is logged.

    What it raises of `passing` is logged, too, but the rows stay in memory and are tried again: who asks about their
    events meanwhile must not hear less than they say.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Sent]], None],
        passing: tuple[type[Exception], ...],
        troubles: tuple[type[Exception], ...],
        where: str,
    ) -> None:
        self._write = write
        self._passing = passing
        self._troubles = troubles
        self._where = where
        self._rows: deque[Sent] = deque()
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._in_hand: list[Sent] = []
        self._asked = False  # somebody waits for the rows
        self._stuck = False  # the last rows could not be written
        self._closed = False
        self._thread: threading.Thread | None = None
        self._said: dict[str, float] = {}

    def add(self, rows: Sequence[Sent]) -> bool:
        """Have the rows written soon; return whether they will be tried."""
        with self._changed:
            if self._closed or len(self._rows) + len(rows) > MOST_PENDING:
                self._lost(len(rows), "too much waits to be written")
                return False
            first = not self._rows
            self._rows.extend(rows)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="misp-workflow-ledger", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # the interpreter ends, or the system gives no more threads
                    self._rows.clear()
                    return False
            if first or len(self._rows) >= CHUNK:
                self._changed.notify_all()
            return True

    def write_now(self, rows: Sequence[Sent]) -> bool:
        """Write rows in this thread, after what was added before; return whether that was done.

        What cannot be written now is as soon as it can: else nobody knew of a case that was made meanwhile, say.
        """
        self.settle(PATIENCE)
        written = self._try(rows)
        if written is None:
            self.add(rows)
        return bool(written)

    def settle(self, patience: float) -> None:
        """Wait until all that was added is written, but no longer than `patience` seconds, nor while nothing can be."""
        self._settled(patience, lambda: bool(self._rows or self._in_hand))

    def catch_up(self, event: str) -> None:
        """Wait until all that was added about this event is written.

        DeliveryError when that takes longer than PATIENCE, or nothing can be written now: who acts on what stands there
        must not act on half of it.
        """
        if not self._settled(PATIENCE, lambda: any(row.event == event for row in chain(self._in_hand, self._rows))):
            raise DeliveryError(
                f"The ledger {self._where} is behind: what was sent about this event is not written there yet."
            )

    def _settled(self, patience: float, waits: Callable[[], bool]) -> bool:
        end = time.monotonic() + patience
        with self._changed:
            while waits():
                left = end - time.monotonic()
                if left <= 0 or self._stuck:
                    return False
                if not self._asked:
                    self._asked = True
                    self._changed.notify_all()
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """Write what is left, as far as it goes, and end."""
        with self._changed:
            self._closed, self._stuck = True, False  # they are tried once more
            self._changed.notify_all()
        self.settle(PATIENCE)
        with self._changed:
            if left := len(self._rows) + len(self._in_hand):
                self._lost(left, "they could not be written before the end of the process")

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._rows:
                    if self._closed:
                        return
                    self._changed.wait()
                self._changed.wait_for(self._is_time, COMPANY)
                self._asked, last = False, self._closed
                rows = [self._rows.popleft() for _ in range(min(CHUNK, len(self._rows)))]
                self._in_hand = rows
            written = self._try(rows)
            with self._changed:
                self._in_hand, self._stuck = [], written is None
                if self._stuck:
                    self._rows.extendleft(reversed(rows))
                self._changed.notify_all()
                if self._stuck:
                    if last:
                        return
                    self._changed.wait_for(lambda: self._closed, AGAIN_AFTER)

    def _is_time(self) -> bool:
        return self._asked or self._closed or len(self._rows) >= CHUNK

    def _try(self, rows: Sequence[Sent]) -> bool | None:
        """Return whether the rows are written; None: not now."""
        try:
            with self._writing:
                self._write(rows)
        except self._passing as error:
            self._say(
                "The ledger %s cannot be written (%s); what was sent is kept in memory until it can.", _why(error)
            )
            return None
        except self._troubles as error:
            self._lost(len(rows), _why(error))
            return False
        except Exception:  # the thread must live on: a delivery never fails because of the ledger
            LOG.exception("bug in the ledger")
            return False
        return True

    def _lost(self, number: int, why: str) -> None:
        self._say("Rows are missing in the ledger %s: %s. Nothing else is harmed by that.", f"{why} ({number} now)")

    def _say(self, what: str, why: str) -> None:
        """Log it, but the same no more than once in a while."""
        with contextlib.suppress(Exception):
            if time.monotonic() - self._said.get(what, -SAY_EVERY) >= SAY_EVERY:
                self._said[what] = time.monotonic()
                LOG.error(f"{what} More of the same is not said for a minute.", self._where, why)


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
