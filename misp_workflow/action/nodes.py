"""Nodes, which say the same in each of their calls: their texts tell them, and what a call of theirs was seen to do."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery import guard
from misp_workflow.installed import own_actions

MOST = 64
LONGEST = 16_000
"""How many nodes of one action are known from earlier calls, and how many characters their parameters may have."""

OVERTIME = 1.2
"""Times `answer_within` after which we answer for whoever does not look at the clock; that is less than MISP waits."""
BEING_WRITTEN = 1.0
"""Seconds that the outbox may take besides, when what it is to keep is being written as the time ends."""

Texts = tuple[tuple[str, str], ...]


def is_short(given: dict[str, Any]) -> bool:
    """Whether it is texts only, and few enough to be kept."""
    return all(type(value) is str for value in given.values()) and sum(map(len, given.values())) <= LONGEST


class Unwatched:
    """The nodes of an action whose last watched call came to nothing that may wait: all that they need is open by then.

    There is none where that is not `possible`, and none where `file` is somebody else's action, which may wait for
    anything: those of this package decide without asking anybody.
    """

    def __init__(self, file: Path, *, possible: bool) -> None:
        self._file, self._possible = file, possible
        self._known: set[Texts] = set()

    def seconds(self, request: Any, within: float) -> float | None:
        """Return the seconds that a call has which nobody watches; None when somebody must, for it may take long."""
        if self._node(request) not in self._known:
            return None
        if within < 2 * BEING_WRITTEN or not guard.is_ordinary(request.get("data")) or settings.at_hand()[1]:
            return None
        return min(within, within * OVERTIME - BEING_WRITTEN)

    def learn(self, request: Any, *, waits: bool) -> None:
        """Note whether a call that was watched came to something that may wait."""
        node = self._node(request)
        if node is None or waits or self._file not in _own():
            self._known -= {node}
        elif len(self._known) < MOST:
            self._known.add(node)
        else:
            self._known = {node}

    def _node(self, request: Any) -> Texts | None:
        given = request.get("params") if self._possible and type(request) is dict else None
        return tuple(given.items()) if type(given) is dict and is_short(given) else None


@cache
def _own() -> frozenset[Path]:
    """Return the files of this package's actions: in an installation others stand beside them."""
    return frozenset(own_actions())
