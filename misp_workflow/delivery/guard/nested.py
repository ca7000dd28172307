"""Walk nested JSON. Most data holds nothing to hide: looking is cheap, copying is left to the branches in question."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
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
            value = value.values()
        elif type(value) is not list:
            continue
        for item in value:
            if type(item) is dict or type(item) is list:
                waiting.append(item)
    return found


class Survey:
    """What there is in some data: its objects by shape. Taken once, asked several times.

    The thousands of attributes and tags of an event have a dozen shapes (the names of their members, in order): what
    depends on names alone is decided per shape.
    """

    def __init__(self, *data: Any) -> None:
        self._shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for part in data:
            for node in every_object(part):
                self._shapes.setdefault(tuple(node), []).append(node)

    @property
    def members(self) -> set[str]:
        """The names of all members of all objects."""
        return set(chain.from_iterable(self._shapes))

    def having(self, *members: str) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield each object that has one of these members, with the member's value, once per member."""
        for shape, nodes in self._shapes.items():
            for name in members:
                if name in shape:
                    for node in nodes:
                        yield node, node[name]

    def plus(self, other: Survey) -> Survey:
        """Return the survey of both."""
        both = Survey()
        for shape, nodes in chain(self._shapes.items(), other._shapes.items()):
            both._shapes[shape] = [*both._shapes.get(shape, ()), *nodes]
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
