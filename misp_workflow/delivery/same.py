"""Calls that say the same at the same time: the second waits for what becomes of the first, and says that."""

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
        self._changed = threading.Condition()

    @contextmanager
    def of(self, keys: Collection[str], until: float) -> Iterator[None]:
        """Have these keys for oneself: once no other call has any of them, or at `until` of `time.monotonic()`."""
        with self._changed:
            if not self._keys.isdisjoint(keys):
                may_wait()
                self._changed.wait_for(lambda: self._keys.isdisjoint(keys), max(until - time.monotonic(), 0.0))
            ours = set(keys) - self._keys
            self._keys |= ours
        try:
            yield
        finally:
            with self._changed:
                self._keys -= ours
                self._changed.notify_all()
