"""What a process knows of its own doings in the outbox, in step with the disk.

What a transaction changes here holds once it is on the disk; when it is rolled back, it never was.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

Numbers = Counter[tuple[str, str]]
"""How many effects ended, by lane and how."""


class Memory:
    """Which effects threads of this process try now, and how many ended since that was last written."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._lock = threading.Lock()  # for _held
        self.ended: Numbers = Counter()  # not written yet
        # of the transaction that goes on now:
        self._written: Numbers = Counter()
        self._claimed: set[str] = set()
        self._then: list[Callable[[], None]] = []

    def hold(self, keys: Iterable[str]) -> set[str]:
        """Note that a thread of this process tries these; return those that none did before."""
        with self._lock:
            added = set(keys) - self._held
            self._held |= added
            return added

    def let_go(self, keys: Iterable[str]) -> None:
        """Note that nobody tries these any more."""
        with self._lock:
            self._held.difference_update(keys)

    def in_hand(self) -> set[str]:
        """Return the keys of what is tried now."""
        with self._lock:
            return set(self._held)

    # --- within a transaction -----------------------------------------------------------------------------------------

    def claim(self, keys: Iterable[str]) -> None:
        """Hold these for a worker."""
        self._claimed |= self.hold(keys)

    def settle(self, keys: Sequence[str], lane: str, how: str, number: int) -> None:
        """Let go of these; `number` of them ended so ("": none did)."""

        def settled() -> None:
            if how:
                self.ended[lane, how] += number
            self.let_go(keys)

        self._then.append(settled)

    def numbers(self) -> Numbers:
        """Return the numbers that are to be written, which is then done."""
        numbers, self.ended = self.ended, Counter()
        self._written.update(numbers)
        return numbers

    def committed(self, committed: bool) -> None:
        """Hear how the transaction ended."""
        then, claimed, written = self._then, self._claimed, self._written
        self._then, self._claimed, self._written = [], set(), Counter()
        if committed:
            for holds in then:
                holds()
        else:
            self.let_go(claimed)
            self.ended.update(written)
