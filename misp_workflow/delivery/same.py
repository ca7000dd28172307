"""Calls that say the same at the same time: the second waits for what becomes of the first, and says that.

One waits. Where MISP asks the same many times at once, all the others would take up a thread of misp-modules each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from misp_workflow.deadline import may_wait


class Same:
    """The keys that calls of this process have in their hands."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._awaited: set[str] = set()  # another call waits for these already
        self._changed = threading.Condition()

    @contextmanager
    def of(self, keys: Collection[str], until: float) -> Iterator[Collection[str]]:
        """Have these keys for oneself: once no other call has any of them, or at `until` of `time.monotonic()`.

        Yields those that another call has all the same, because it takes longer, or the wait was another one's.
        """
        with self._changed:
            if not self._keys.isdisjoint(keys) and self._awaited.isdisjoint(keys):
                may_wait()
                self._wait(frozenset(keys), until)
            theirs = self._keys.intersection(keys)
            ours = theirs.symmetric_difference(keys)
            self._keys |= ours
        try:
            yield theirs
        finally:
            with self._changed:
                self._keys -= ours
                self._changed.notify_all()

    def _wait(self, keys: frozenset[str], until: float) -> None:
        self._awaited |= keys
        try:
            self._changed.wait_for(lambda: self._keys.isdisjoint(keys), max(until - time.monotonic(), 0.0))
        finally:
            self._awaited -= keys
