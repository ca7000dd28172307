"""A quick look at data: is there anything that the careful walk (`nested.Survey`) could want to change, and where?

Nearly always there is not. So objects under the same name are asked many at a time, by C code, and nothing is noted of
their places but the branch that they are in: a row of one of the event's long lists. Whatever is not as MISP usually
sends it makes the look give up, and the careful walk decides; a tag that may not go makes its branch a suspect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from gc import is_tracked
from itertools import chain, compress
from operator import ne
from typing import Any, NamedTuple

from misp_workflow.deadline import look
from misp_workflow.delivery.guard.home import GALAXIES, column, is_own, says_home
from misp_workflow.delivery.guard.nested import any_nested
from misp_workflow.delivery.guard.source import FOREIGN
from misp_workflow.event import CHUNK, TAG_LISTS, flag

NO_BRANCH = -1
"""The branch of what is in none."""

LISTS = ("Attribute", "Object", "_AttributeFlattened")
"""The event's long lists. The last one repeats what is in the others."""

_WHOLE, _EVENT, _IN_EVENT, _ELSEWHERE = range(4)
"""Where something stands: the data, its event, a member of that, anywhere else."""
_CONTAINERS: frozenset[type] = frozenset((dict, list))
_TAG_LISTS = frozenset(TAG_LISTS)

Row = dict[str, Any]


class Rows(NamedTuple):
    """Some objects that stand under the same name, the branch of each, and all their members."""

    rows: list[Row]
    branches: Sequence[int]
    members: set[str]

    def without(self, branches: set[int]) -> Rows:
        """Return those that are in none of the branches."""
        if branches.isdisjoint(self.branches):
            return self
        rest = [number not in branches for number in self.branches]
        return Rows(list(compress(self.rows, rest)), list(compress(self.branches, rest)), self.members)


class Listing(NamedTuple):
    """A list of branches: the member of the event that it is ("" for the data itself), and its first one's number."""

    member: str
    rows: list[Row]
    first: int


class Glance:
    """What there is in some JSON data: `members` and `names` that objects and tags have, all `objects` that are
    `inherited`, and `tags`, of which those repeated from row to row are there once.

    `usual` is False when the look gave up, for one at a name that `stops` it; then nothing else counts. `foreign` says
    that the event has members that are about other events. `suspects` are the branches with a tag of a name that is
    `refused`, NO_BRANCH among them when one is elsewhere. `seen` are all objects in branches, but copies that a list
    has of what is in another one; `texts` the lists of theirs that hold texts.
    """

    def __init__(self, data: Any, stops: Callable[[str], bool], refused: Callable[[str], Any]) -> None:
        self._stops, self._refused = stops, refused
        self._refused_names: set[str] = set()
        self._below: dict[tuple[str, int], tuple[list[Row], list[int]]] = {}
        self._copies: list[tuple[int, Sequence[int]]] = []
        self._event: Any = data.get("Event") if type(data) is dict else None
        self.usual, self.foreign = True, False
        self.members: set[str] = set()
        self.names: set[str] = set()
        self.objects: list[Row] = []
        self.tags: list[Row] = []
        self.suspects: set[int] = set()
        self.listings: list[Listing] = []
        self.seen: list[Rows] = []
        self.texts: list[tuple[list[Any], int]] = []
        try:
            self._open("", data, _WHOLE) if _are_rows(data) else self._note(data, "", _WHOLE, NO_BRANCH)
            while self._below and self.usual:
                (key, level), (rows, branches) = self._below.popitem()
                self._take(rows, branches, key, level)
        except (TypeError, RecursionError):  # a list or an object where a text should be
            self.usual = False
        self._below.clear()

    @property
    def branches(self) -> int:
        """How many there are."""
        return sum(len(listing.rows) for listing in self.listings)

    def with_copies(self, branches: Collection[int]) -> set[int]:
        """Return the branches and those that are copies of them, or of something in them."""
        found = set(branches)
        for first, originals in self._copies:
            if not found.isdisjoint(originals):
                found |= {first + place for place, branch in enumerate(originals) if branch in found}
        return found

    # --- what is below ------------------------------------------------------------------------------------------------

    def _note(self, value: Any, key: str, level: int, branch: int) -> None:
        """Note what is to be looked at later: a list's items stand under its name."""
        waiting = [value]
        for item in waiting:  # which grows meanwhile
            rows, branches = self._below.setdefault((key, level), ([], []))
            if type(item) is dict:
                rows.append(item)
                branches.append(branch)
            elif _are_rows(item):
                rows += item
                branches += [branch] * len(item)
            else:
                if branch != NO_BRANCH:
                    self.texts.append((item, branch))
                waiting += [one for one in item if type(one) in _CONTAINERS and one]

    def _open(self, member: str, rows: list[Row], level: int) -> None:
        """Take a list of branches."""
        first = self.branches
        self.listings.append(Listing(member, rows, first))
        numbers = range(first, first + len(rows))
        if member != LISTS[-1]:
            self._take(rows, numbers, member, level)
            return
        originals, branches = self._originals()
        for start in range(0, len(rows), CHUNK):
            end = start + CHUNK
            if rows[start:end] == originals[start:end]:
                self._copies.append((first + start, branches[start:end]))
            else:
                self._take(rows[start:end], numbers[start:end], member, level)

    def _originals(self) -> tuple[list[Row], list[int]]:
        """Return the event's attributes in the order in which MISP repeats them, and the branch that each is in."""
        rows: list[Row] = []
        branches: list[int] = []
        for member, listed, first in self.listings:
            for number, row in enumerate(listed, first) if member == "Object" else ():
                inner = row.get("Attribute")
                if type(inner) is list:
                    rows += inner
                    branches += [number] * len(inner)
            if member == "Attribute":
                rows += listed
                branches += range(first, first + len(listed))
        return rows, branches

    # --- some rows ----------------------------------------------------------------------------------------------------

    def _take(self, rows: list[Row], branches: Sequence[int], key: str, level: int) -> None:
        if key in FOREIGN:
            self.foreign = True
            self.usual = self.usual and level == _IN_EVENT
        for start in range(0, len(rows), CHUNK):
            if not self.usual:
                return
            look()
            self._take_rows(rows[start : start + CHUNK], branches[start : start + CHUNK], key, level)

    def _take_rows(self, rows: list[Row], branches: Sequence[int], key: str, level: int) -> None:
        members: set[str] = set().union(*rows)
        self.members |= members
        if "name" in members:
            self._take_names(column(rows, "name"))
        if "inherited" in members:
            self.objects += rows
        if key in GALAXIES and any(is_own(row, key) or flag(row.get("local")) for row in rows):
            self.usual = False
        if key in GALAXIES and any(map(str.isdigit, members)):  # an array with holes
            self.usual = False
        for member in _TAG_LISTS & members:
            self._take_tag_lists(rows, branches, member)
        if max(branches) != NO_BRANCH:
            self.seen.append(Rows(rows, branches, members))
        opens = level == _EVENT and rows[0] is self._event
        for row, branch in zip(rows, branches, strict=True):
            for name, item in row.items() if is_tracked(row) else ():
                if item and type(item) in _CONTAINERS and name not in _TAG_LISTS:
                    inside = level == _EVENT or (level == _WHOLE and name == "Event")
                    if not (opens and name in LISTS and _are_rows(item)):
                        self._note(item, name, level + 1 if inside else _ELSEWHERE, branch)
        for name in LISTS if opens else ():
            if _are_rows(self._event.get(name)):
                self._open(name, self._event[name], _IN_EVENT)

    def _take_tag_lists(self, rows: list[Row], branches: Sequence[int], member: str) -> None:
        listed = column(rows, member)
        new = list(filter(None, compress(listed, map(ne, listed, chain((None,), listed)))))
        tags: list[Any] = list(chain.from_iterable(new)) if {list}.issuperset(map(type, new)) else [None]
        if not tags:
            return
        if {dict} != set(map(type, tags)) or any_nested(tags):
            self.usual = False
            return
        members: set[str] = set().union(*tags)
        self.members |= members
        self.tags += tags
        names = column(tags, "name")
        self._take_names(names)
        self.usual = self.usual and "Tag" not in members and not says_home(tags, members)
        if not self._refused_names.isdisjoint(names):
            for tags, branch in zip(listed, branches, strict=True):
                if tags and not self._refused_names.isdisjoint(column(tags, "name")):
                    self.suspects.add(branch)

    def _take_names(self, names: list[Any]) -> None:
        new = {name for name in set(names) - self.names if type(name) is str}
        self.names |= new
        self._refused_names.update(filter(self._refused, new))
        if any(map(self._stops, new)):
            self.usual = False


def _are_rows(value: Any) -> bool:
    """Whether it is a list of objects and nothing else."""
    return type(value) is list and {dict} == set(map(type, value))
