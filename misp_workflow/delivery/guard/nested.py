"""Walk nested JSON. Most data holds nothing to hide: looking is cheap, copying is left to the branches in question."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from functools import cached_property
from itertools import chain
from operator import is_
from typing import Any

GONE = object()
"""What a visit returns for an object that shall not be there."""

Visit = Callable[[dict[str, Any], str], Any]
"""Gets an object and the name of the member that it stands under; returns it, a changed copy, or GONE."""

_CONTAINERS = frozenset((dict, list))


def every_object(data: Any) -> list[dict[str, Any]]:
    """Return every JSON object in the data, the data itself included."""
    found: list[dict[str, Any]] = []
    waiting = [data]
    for value in waiting:  # which grows meanwhile
        if type(value) is dict:
            found.append(value)
            waiting += [item for item in value.values() if type(item) in _CONTAINERS]
        elif type(value) is list:
            waiting += [item for item in value if type(item) in _CONTAINERS]
    return found


class Survey:
    """What there is in some data: every object, and every name of a member. Taken once, asked several times."""

    def __init__(self, *data: Any) -> None:
        self.objects = [node for part in data for node in every_object(part)]

    @cached_property
    def members(self) -> set[str]:
        """The names of all members of all objects."""
        return set(chain.from_iterable(self.objects))

    def having(self, *members: str) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield each object that has one of these members, with the member's value, once per member."""
        for name in self.members.intersection(members):
            yield from ((node, node[name]) for node in self.objects if name in node)

    def plus(self, other: Survey) -> Survey:
        """Return the survey of both."""
        both = Survey()
        both.objects = [*self.objects, *other.objects]
        return both


def every_text(data: Any) -> set[str]:
    """Return every text value in the data; the names of members are not values."""
    found: set[str] = set()
    waiting = [data]
    for value in waiting:
        if type(value) is str:
            found.add(value)
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
    return found


def rewrite(value: Any, visit: Visit, key: str = "", skip: Container[str] = ()) -> Any:
    """Return the value with each object replaced by what `visit` makes of it, from the outside in.

    Copies on write: a branch in which nothing changes is returned as it is. Items of a list stand under the list's
    name. Members named in `skip` stay as they are. Returns GONE when the value itself shall go.
    """
    if type(value) is dict:
        node = visit(value, key)
        if node is GONE:
            return GONE
        changed: dict[str, Any] | None = None
        for name, item in node.items():
            if type(item) in _CONTAINERS and name not in skip:
                new = rewrite(item, visit, name, skip)
                if new is not item:
                    changed = changed or dict(node)
                    changed[name] = new
        if changed is None:
            return node
        return {name: item for name, item in changed.items() if item is not GONE}
    if type(value) is list:
        items = []  # by a loop: a comprehension would take a second frame, and data may be nested 512 deep
        for item in value:
            items.append(rewrite(item, visit, key, skip) if type(item) in _CONTAINERS else item)
        return value if all(map(is_, items, value)) else [item for item in items if item is not GONE]
    return value
