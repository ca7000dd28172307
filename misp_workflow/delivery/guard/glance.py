"""A quick look at data: is there anything that the careful walk (`nested.Survey`) could want to change?

Nearly always there is not. So rows are asked many at a time, by C code, and nothing is noted of their places; whatever
is not as MISP usually sends it, or may have to go, makes the look give up, and the careful walk decides.
"""

from __future__ import annotations

from collections.abc import Callable
from gc import is_tracked
from typing import Any

from misp_workflow.deadline import look
from misp_workflow.delivery.guard.home import column, is_own, says_home
from misp_workflow.delivery.guard.nested import TAG_LISTS
from misp_workflow.delivery.guard.source import FOREIGN
from misp_workflow.event import flag

CHUNK = 256
"""Rows that are asked at a time: few enough to be still in the processor's memory for the next question."""

_WHOLE, _EVENT, _IN_EVENT, _ELSEWHERE = range(4)
"""Where something stands: the data, its event, a member of that, anywhere else."""
_CONTAINERS: frozenset[type] = frozenset((dict, list))
_TAG_LISTS = frozenset(TAG_LISTS)
_GALAXIES = frozenset(("Galaxy", "GalaxyCluster"))


class Glance:
    """What there is in some data: `members` and `names` that objects and tags have, and all of these.

    `usual` is False when the look gave up, for one at a name that `stops` it; then nothing else counts. `foreign` says
    that the event has members that are about other events.
    """

    def __init__(self, data: Any, stops: Callable[[str], bool]) -> None:
        self._stops = stops
        self._taken = 0  # of the tags
        self.usual = True
        self.foreign = False
        self.members: set[str] = set()
        self.names: set[str] = set()
        self.objects: list[dict[str, Any]] = []
        self.tags: list[dict[str, Any]] = []
        self._waiting: list[tuple[Any, str, int]] = [(data, "", _WHOLE)]
        try:
            while self._waiting and self.usual:
                self._take(*self._waiting.pop())
                if len(self.tags) - self._taken >= CHUNK:
                    self._take_tags()
            self._take_tags()
        except TypeError:  # a list or an object where a text should be
            self.usual = False

    def _take(self, value: Any, key: str, level: int) -> None:
        if key in FOREIGN:
            self.foreign = True
            self.usual = self.usual and level == _IN_EVENT
        if type(value) is dict:
            self._take_rows([value], key, level)
            return
        kinds = set(map(type, value))
        if kinds == {dict}:
            for start in range(0, len(value), CHUNK):
                self._take_rows(value[start : start + CHUNK], key, level)
        elif not kinds.isdisjoint(_CONTAINERS):
            self._waiting += [(item, key, level) for item in value if type(item) in _CONTAINERS and item]

    def _take_rows(self, rows: list[dict[str, Any]], key: str, level: int) -> None:
        look()
        members: set[str] = set().union(*rows)
        self.members |= members
        self.objects += rows
        if "name" in members:
            self._take_names(column(rows, "name"))
        if key in _GALAXIES and any(is_own(row, key) or flag(row.get("local")) for row in rows):
            self.usual = False
        for member in _TAG_LISTS & members:
            self.usual = self.usual and all(type(row.get(member)) is not str for row in rows)
        for row in filter(is_tracked, rows):
            for name, item in row.items():
                if type(item) in _CONTAINERS and item:
                    if name not in _TAG_LISTS:
                        inside = level == _EVENT or (level == _WHOLE and name == "Event")
                        self._waiting.append((item, name, level + 1 if inside else _ELSEWHERE))
                    elif type(item) is list:
                        self.tags += item
                    else:
                        self.usual = False

    def _take_tags(self) -> None:
        for start in range(self._taken, len(self.tags), CHUNK):
            look()
            tags = self.tags[start : start + CHUNK]
            if not self.usual or set(map(type, tags)) != {dict} or any(map(is_tracked, tags)):
                self.usual = False
                return
            members: set[str] = set().union(*tags)
            self.members |= members
            self._take_names(column(tags, "name"))
            self.usual = self.usual and "Tag" not in members and not says_home(tags, members)
        self._taken = len(self.tags)

    def _take_names(self, names: list[Any]) -> None:
        new = {name for name in set(names) - self.names if type(name) is str}
        self.names |= new
        if any(map(self._stops, new)):
            self.usual = False
