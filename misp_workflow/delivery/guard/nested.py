"""Walk nested JSON. Most data holds nothing to hide: looking is cheap, copying is left to the branches in question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from operator import is_
from typing import Any

TAG_LISTS = ("Tag", "_allTags", "EventTag", "AttributeTag", "EventReportTag", "Tags")
"""Members that hold the tags of what they stand in."""

GONE = object()
"""What stands for an object that shall not be there."""

Visit = Callable[[dict[str, Any], str], dict[str, Any]]
"""Gets an object and the name of the member that it stands under; returns it or a changed copy."""

Place = tuple[dict[str, Any], str, Any]
"""An object, the name of the member that it stands under, and the place of the object around it (None: outermost).

Items of a list stand under the list's name."""

_CONTAINERS = frozenset((dict, list))
_TAG_LISTS = frozenset(TAG_LISTS)


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
        waiting += [item for item in value if type(item) in _CONTAINERS]
    return found


class Survey:
    """What there is in some data: its objects by shape. Taken once, asked several times.

    The thousands of attributes and tags of an event have a dozen shapes (the names of their members, in order): what
    depends on names alone is decided per shape. Tags are kept apart from what has them: they say what may go, and
    nothing is ever taken out of them. `places` are all other objects, each after the one around it, the last first.
    Empty objects are nowhere: they say nothing.
    """

    def __init__(self, data: Any) -> None:
        self.places: list[Place] = []
        tags: list[Place] = []
        waiting: list[tuple[Any, str, Place | None, list[Place]]] = [(data, "", None, self.places)]
        while waiting:
            value, key, around, kind = waiting.pop()
            if type(value) is dict:
                place = (value, key, around)
                kind.append(place)
                for name, item in value.items():
                    if type(item) in _CONTAINERS and item:
                        waiting.append((item, name, place, tags if name in _TAG_LISTS else kind))
            elif type(value) is list:
                for item in value:
                    if type(item) in _CONTAINERS and item:
                        waiting.append((item, key, around, kind))
        self._places = _by_shape(self.places)
        self._tags = _by_shape(tags)

    @property
    def members(self) -> set[str]:
        """The names of all members of all objects."""
        return set().union(*self._places, *self._tags)

    def having(self, *members: str, tags: bool = True) -> Iterator[tuple[str, list[Place]]]:
        """Yield each of these members with places whose objects have it, shape by shape; `tags` false: without tags."""
        for shapes in (self._places, self._tags) if tags else (self._places,):
            for places in shapes.values():
                for name in members:
                    if name in places[0][0]:
                        yield name, places


def _by_shape(places: list[Place]) -> dict[tuple[str, ...], list[Place]]:
    shapes: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for place in places:
        shapes[tuple(place[0])].append(place)
    return shapes


class Edits:
    """What shall become of the objects of a survey. Only the branches in which something changes are copied.

    `gone` holds the ids of the places that shall be no more, those within others included.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.gone: set[int] = set()
        self._new: dict[int, Any] = {}
        self._around: set[int] = set()  # objects
        self._seen: set[int] = set()  # their places: a caller in Python may put one object at several

    def drop(self, place: Place) -> None:
        """Note that the object at the place shall go."""
        self.gone.add(id(place))
        self.put(place, GONE)

    def put(self, place: Place, new: Any) -> None:
        """Note what shall stand at the place."""
        self._new[id(place[0])] = new
        around = place[2]
        while around is not None and id(around) not in self._seen:
            self._seen.add(id(around))
            self._around.add(id(around[0]))
            around = around[2]

    def change(self, place: Place, member: str, value: Any) -> None:
        """Note another value for one member of the object at the place, unless it goes."""
        node = self._new.get(id(place[0]), place[0])
        if node is not GONE:
            self.put(place, {**node, member: value})

    def made(self, value: Any) -> Any:
        """Return the survey's data, or a part of it, with all that is noted; GONE when it goes itself."""
        if type(value) is dict:
            node = self._new.get(id(value), value)
            if node is GONE or id(value) not in self._around:
                return node
            changed: dict[str, Any] = {}
            for name, item in node.items():
                new = self.made(item) if type(item) in _CONTAINERS and name not in _TAG_LISTS else item
                if new is not GONE:
                    changed[name] = new
            return changed
        if type(value) is list:
            items = []  # by a loop: a comprehension would take a second frame, and data may be nested 512 deep
            for item in value:
                new = self.made(item) if type(item) in _CONTAINERS else item
                if new is not GONE:
                    items.append(new)
            return items
        return value


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
    name. Members named in `skip` stay as they are.
    """
    if type(value) is dict:
        node = visit(value, key)
        changed: dict[str, Any] | None = None
        for name, item in node.items():
            if type(item) in _CONTAINERS and name not in skip:
                new = rewrite(item, visit, name, skip)
                if new is not item:
                    changed = changed or dict(node)
                    changed[name] = new
        return node if changed is None else changed
    if type(value) is list:
        items = []  # by a loop: a comprehension would take a second frame, and data may be nested 512 deep
        for item in value:
            items.append(rewrite(item, visit, key, skip) if type(item) in _CONTAINERS else item)
        return value if all(map(is_, items, value)) else items
    return value
