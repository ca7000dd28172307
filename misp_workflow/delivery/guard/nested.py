"""Walk nested JSON. Most data holds nothing to hide: looking is cheap, copying is left to the branches in question."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Set
from gc import is_tracked
from itertools import chain
from operator import is_
from typing import Any

from misp_workflow.deadline import look
from misp_workflow.event import CHUNK, TAG_LISTS

GONE = object()
"""What stands for an object that shall not be there."""

Visit = Callable[[dict[str, Any], str], dict[str, Any]]
"""Gets an object and the name of the member that it stands under; returns it or a changed copy."""

Place = tuple[dict[str, Any], str, Any]
"""An object, the name of the member that it stands under, and the place of the object around it (None: outermost).

Items of a list stand under the list's name."""

FEW = 32
"""Items of a list that may be looked at twice: to remember short lists would cost more."""

_CONTAINERS: frozenset[type] = frozenset((dict, list))
_TAG_LISTS = frozenset(TAG_LISTS)


def any_nested(objects: Iterable[dict[str, Any]]) -> bool:
    """Return whether any of the objects holds an object or a list."""
    tracked = filter(is_tracked, objects)  # all of them, from Python 3.14 on
    return not _CONTAINERS.isdisjoint(map(type, chain.from_iterable(map(dict.values, tracked))))


def every_object(data: Any) -> list[dict[str, Any]]:
    """Return every JSON object in the data, the data itself included."""
    found: list[dict[str, Any]] = []
    waiting = [data]
    for value in waiting:  # which grows meanwhile
        if type(value) is dict:
            found.append(value)
            if is_tracked(value):
                waiting += [item for item in value.values() if type(item) in _CONTAINERS]
        elif type(value) is list:
            waiting += [item for item in value if type(item) in _CONTAINERS]
    return found


def members_of(data: Any) -> set[str]:
    """Return the names of all members of all objects in the data; what stands there twice is looked at once."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [data]
    for value in waiting:  # which grows meanwhile
        if type(value) is dict:
            found.update(value)
            if is_tracked(value):
                waiting += [item for item in value.values() if type(item) in _CONTAINERS and item]
        elif type(value) is list:
            new = [item for item in value if type(item) in _CONTAINERS and item and id(item) not in seen]
            if len(new) > FEW:
                seen.update(map(id, new))
            waiting += new
    return found


class Survey:
    """What there is in some data, found by walking it once: its objects, and apart from them the tags that they have.

    A dictionary that Python's garbage collector does not track holds neither lists nor objects (`gc.is_tracked`): for
    most of the objects that one question replaces a look at every member. All others are looked at; Python 3.14 tracks
    every dictionary.

    `places` are all objects but the tags, the outermost first. `tag_lists` are what stands as the tags of an object,
    `tags` the objects in them: they say what may go, and nothing is ever taken out of them. `plain` says that they
    are as MISP sends them: lists of objects, and nothing in these that could be a tag. `objects` are those of the
    places, `members` the names of all members of all these, `tag_members` of the tags only. Empty objects and lists are
    nowhere: they say nothing.
    """

    def __init__(self, data: Any) -> None:
        self.places: list[Place] = []
        self.tag_lists: list[tuple[Any, str, Place]] = []
        waiting: list[tuple[Any, str, Any]] = [(data, "", None)]
        for place in waiting:  # which grows meanwhile
            value, key, around = place
            if type(value) is dict:
                self.places.append(place)
                for name, item in value.items() if is_tracked(value) else ():
                    if type(item) in _CONTAINERS and item:
                        (self.tag_lists if name in _TAG_LISTS else waiting).append((item, name, place))
            elif type(value) is list:
                for item in value:
                    if type(item) in _CONTAINERS and item:
                        waiting.append((item, key, around))
        self.objects: list[dict[str, Any]] = [place[0] for place in self.places]
        self.members: set[str] = set().union(*self.objects)
        for name in _TAG_LISTS & self.members:
            self.tag_lists += [(tag, name, place) for place in self.places if type(tag := place[0].get(name)) is str]
        self._find_tags()

    def _find_tags(self) -> None:
        rows: list[Any] = []
        for tags, _, _ in self.tag_lists:
            rows += tags if type(tags) is list else (tags, None)
        usual = {dict}.issuperset(map(type, rows)) and not any_nested(rows)
        self.tags: list[dict[str, Any]] = rows if usual else every_object(rows)
        self.tag_members: set[str] = set().union(*self.tags)
        self.plain = usual and "Tag" not in self.tag_members
        self.members |= self.tag_members

    def having(self, member: str) -> list[Place]:
        """Return the places whose objects have the member."""
        return [place for place in self.places if member in place[0]] if member in self.members else []


class Edits:
    """What shall become of the objects of a survey. Only the branches in which something changes are copied.

    `places` are those of the survey that shall stay, as far as `settle` knows.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.places = survey.places
        self._new: dict[int, Any] = {}
        self._dropped = False
        self._around: set[int] = set()  # objects
        self._touched: set[int] = set()
        self._seen: set[int] = set()  # their places: a caller in Python may put one object at several

    def drop(self, place: Place) -> None:
        """Note that the object at the place shall go."""
        self._dropped = True
        self.put(place, GONE)

    def settle(self) -> list[Place]:
        """Take what shall go, and what is in it, out of `places`, and return it."""
        stays: list[Place] = []
        goes: list[Place] = []
        gone: set[int] = set()
        if not self._dropped:
            return goes
        self._dropped = False
        for place in self.places:  # each after the one around it
            if id(place[2]) in gone or self._new.get(id(place[0])) is GONE:
                gone.add(id(place))
                goes.append(place)
            else:
                stays.append(place)
        self.places = stays
        return goes

    def texts(self, members: Iterable[str]) -> set[str]:
        """Return the texts that the objects that stay have for the members."""
        names = [member for member in members if member in self.survey.members]
        nodes = [place[0] for place in self.places]
        return {text for name in names for node in nodes if name in node and type(text := node[name]) is str}

    def having_text(self, members: Iterable[str]) -> list[tuple[Place, str, str]]:
        """Return the places of the objects that stay and have a text for one of the members; its name; the text."""
        names = [member for member in members if member in self.survey.members]
        having = [(place, name) for name in names for place in self.places if name in place[0]]
        return [(place, name, text) for place, name in having if type(text := place[0][name]) is str]

    def put(self, place: Place, new: Any) -> None:
        """Note what shall stand at the place, unless the object there goes."""
        if self._new.get(id(place[0])) is GONE:
            new = GONE
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

    def made(self, data: Any) -> Any:
        """Return the survey's data with all that is noted, None when it goes itself."""
        self._touched = self._around | self._new.keys()
        made = self._made(data) if self._new else data
        return None if made is GONE else made

    def _made(self, value: Any) -> Any:
        if type(value) is dict:
            node = self._new.get(id(value), value)
            if node is GONE or id(value) not in self._around:
                return node
            changed: dict[str, Any] = {}
            for name, item in node.items():
                new = self._made(item) if type(item) in _CONTAINERS and name not in _TAG_LISTS else item
                if new is not GONE:
                    changed[name] = new
            return changed
        if type(value) is list:
            if self._touched.isdisjoint(map(id, value)) and list not in map(type, value):
                return value
            items = []  # by a loop: a comprehension would take a second frame, and data may be nested 512 deep
            for item in value:
                new = self._made(item) if type(item) in _CONTAINERS else item
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


def missing(texts: Set[str], data: Any) -> set[str]:
    """Return those of the texts that are no text value in the data; the names of members are not values."""
    rest = set(texts)
    for some in batches(data) if rest else ():
        for value in some:
            values = value.values() if type(value) is dict else value
            rest.difference_update([one for one in values if type(one) is str] if is_tracked(value) else values)
        if not rest:
            break
    return rest


def batches(data: Any) -> Iterator[list[Any]]:
    """Yield every object and list in the data, some at a time, the last ones first: soon one of each kind was there."""
    waiting: list[list[Any]] = [[[data]]]
    while waiting:
        look()
        some = waiting.pop()
        yield some
        around = [value.values() if type(value) is dict else value for value in some if value and is_tracked(value)]
        inner = [one for values in around for one in values if type(one) in _CONTAINERS]
        waiting += [inner[start : start + CHUNK] for start in range(0, len(inner), CHUNK)]


def leaves(items: list[Any]) -> list[Any]:
    """Return what is in the list, and in the lists in it, but these lists themselves."""
    waiting = [items]
    found: list[Any] = []
    for some in waiting:  # which grows meanwhile
        waiting += [item for item in some if type(item) is list]
        found += [item for item in some if type(item) is not list]
    return found


def without(items: list[Any], goes: Callable[[Any], bool]) -> list[Any]:
    """Return the list without what goes of its `leaves`."""
    stay = []  # by a loop, see `_made`
    for item in items:
        if type(item) is list:
            stay.append(without(item, goes))
        elif not goes(item):
            stay.append(item)
    return stay


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
