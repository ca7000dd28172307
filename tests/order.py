"""In which order several workers run the tests: what mostly waits first, so that the end does not wait for it alone.

pytest-xdist (`--dist worksteal`) gives every worker an equal share of the list, in order; who is done takes from the end
of another's. Half of the workers begin with the tests marked `waits`, each with those that follow one another: they
share servers that take long to start. The others keep the processor busy meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def ordered(waiting: Sequence[T], others: Sequence[T], workers: int) -> list[T]:
    """Return all tests in the order for so many workers."""
    lanes = max(1, workers // 2)
    found: list[T] = []
    left = list(others)
    total = len(waiting) + len(others)
    each = -(-len(waiting) // lanes)
    for worker in range(workers):
        share = (total - len(found)) // (workers - worker)  # as xdist cuts the list
        first = waiting[worker * each : (worker + 1) * each] if worker < lanes else []
        rest = max(0, share - len(first))
        found += [*first, *left[:rest]]
        del left[:rest]
    return found + left
