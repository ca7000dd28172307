"""In which order several workers run the tests: what mostly waits first, so that the end does not wait for it alone.

pytest-xdist (`--dist worksteal`) gives every worker an equal share of the list, in order; who is done takes from the end
of another's. Half of the workers begin with the tests marked `waits`; the others keep the processor busy meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")


def ordered(waiting: Sequence[tuple[str, T]], others: Sequence[T], workers: int) -> list[T]:
    """Return all tests in the order for so many workers; `waiting` with their files, which stay together."""
    lanes: list[list[T]] = [[] for _ in range(max(1, workers // 2))]
    for number, (_, tests) in enumerate(groupby(waiting, key=lambda named: named[0])):
        lanes[number % len(lanes)] += [test for _, test in tests]
    found: list[T] = []
    left = list(others)
    total = len(waiting) + len(others)
    for worker in range(workers):
        share = (total - len(found)) // (workers - worker)  # as xdist cuts the list
        first = lanes[worker] if worker < len(lanes) else []
        rest = max(0, share - len(first))
        found += [*first, *left[:rest]]
        del left[:rest]
    return found + left
