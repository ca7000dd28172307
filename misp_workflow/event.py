"""Reading what MISP hands to a module: attributes wherever they hide, tags, markings, and what happened at all.

Pure: nothing here changes the data or asks anybody. The shapes are those of real MISP 2.5 requests; ids, flags and
numbers come as text, numbers or booleans, so read them through `flag` and `number`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from operator import itemgetter
from typing import Any, Literal

from misp_workflow.lazy import lazy
from misp_workflow.markings import strictest

Kind = Literal["event", "attribute", "sighting", "proposal", "report", "post", "user", "log", "enrichment", "empty"]

THREAT_LEVELS = {1: "high", 2: "medium", 3: "low", 4: "undefined"}
ANALYSES = {0: "initial", 1: "ongoing", 2: "completed"}
DISTRIBUTIONS = {
    0: "your organisation only",
    1: "this community only",
    2: "connected communities",
    3: "all communities",
    4: "sharing group",
    5: "inherit event",
}

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""A uuid as MISP writes it (RFC 9562)."""

_EXPRESSION = re.compile(r"(?<!\d)\.\*|\A\^|\A/.*/\Z")
_EXPRESSION_OUTSIDE_QUOTES = re.compile(r"(?<!\d)\.\+|[\])]\+|\$\Z|\([^()|]*\|[^()]*\)|\\[wWdDsSbB.]|\|\s*[\w*?.-]+:")
"""What a tag's value may have in it: galaxies name things as they like."""
_IN_QUOTES = re.compile(r'"[^"\n]*"')

TAG_LISTS = ("Tag", "_allTags", "EventTag", "AttributeTag", "EventReportTag", "Tags")
"""Members that hold the tags of what they stand in."""

ATTRIBUTE_LISTS = ("Attribute", "_AttributeFlattened")
"""Where an event or an object holds its attributes."""

CHUNK = 256
"""Rows that are asked at a time: few enough to be still in the processor's memory for the next question."""

_OF_USERS = {"email", "nids_sid", "certif_public"}
"""Keys by which a user is told; a change of one may hold any of them only."""


def flag(value: Any) -> bool:
    """Read a boolean in any of MISP's spellings: true, 1, "1", "true"."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes", "on"}
    return bool(value)


def number(value: Any, default: int = 0) -> int:
    """Read a whole number that may come as text; `default` when it is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def text(value: Any) -> str:
    """Read a text field that may be missing, null or a number."""
    return value if isinstance(value, str) else "" if value is None or isinstance(value, (dict, list)) else str(value)


def uuid_of(row: Mapping[str, Any]) -> str:
    """Read what tells a row from all others, its uuid, in lower case; "" for none, and for what is none."""
    found = text(row.get("uuid"))
    return found.lower() if UUID.fullmatch(found) else ""


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a PHP array, which comes as a list or, when it has holes, as an object keyed "0", "3"."""
    if not value:
        return []
    if isinstance(value, list):
        return [row for row in value if isinstance(row, dict)]
    return [row for row in value.values() if isinstance(row, dict)] if isinstance(value, Mapping) else []


def attributes_of(selected: Any) -> list[dict[str, Any]]:
    """Return the attributes among what a node's filter selected, those of objects included: tags, reports, clusters of
    galaxies are none, and whoever selects an event does not mean all that is in it."""
    found: list[dict[str, Any]] = []
    for row in rows(selected):
        if "value" in row:
            found += [row] if "type" in row and "tag_name" not in row else []
        elif "info" not in row:
            found += rows(row.get("Attribute"))
    return found


def tag_names(row: Mapping[str, Any], inherited: bool = True) -> list[str]:
    """Return the names of the tags on an event or attribute, in the data's order, each once.

    Reads all of TAG_LISTS. `inherited=False` leaves out what an attribute has only from its event.
    """
    found: dict[str, None] = {}
    for key in TAG_LISTS:
        if tags := row.get(key):
            for name, is_inherited in named_tags(tags):
                if inherited or not flag(is_inherited):
                    found[name] = None
    found.pop("", None)
    return list(found)


def named_tags(tags: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and "inherited" of the tags in a list, however it holds them: MISP's rows of tags, the database's rows
    between, bare texts, one alone, an object keyed "0", "3"."""
    if isinstance(tags, str):
        yield tags, None
    elif isinstance(tags, list):
        for tag in tags:
            # what MISP sends; all else is rare
            if type(tag) is dict and type(tag.get("name")) is str and "Tag" not in tag:
                yield tag["name"], tag.get("inherited")
            else:
                yield from named_tags(tag)
    elif isinstance(tags, Mapping):
        if isinstance(name := tags.get("name"), str):
            yield name, tags.get("inherited")
            if "Tag" in tags:
                yield from named_tags(tags["Tag"])
            return
        for key, inner in tags.items():
            if key == "Tag" or isinstance(inner, (list, Mapping)) or str(key).isdigit():
                yield from named_tags(inner)


def _usual_tag_names(attributes: Sequence[Mapping[str, Any]]) -> dict[str, None] | None:
    """Return what `tag_names` returns of all these, found quickly; None unless the tags are as MISP sends them."""
    usual, rare = TAG_LISTS[:2], TAG_LISTS[2:]
    members = [key for key in usual if any(key in row for row in attributes)]
    if any(row.get(key) for row in attributes for key in rare):
        return None
    lists = [tags for row in attributes for key in members if (tags := row.get(key))]
    if not {list}.issuperset(map(type, lists)):
        return None
    try:
        found: dict[Any, None] = dict.fromkeys(map(itemgetter("name"), chain.from_iterable(lists)))
    except (TypeError, KeyError):  # a tag that is no object, has no name, or a list as its name
        return None
    found.pop("", None)
    return found if {str}.issuperset(map(type, found)) else None


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """Return the tag names that a shell-style pattern (`tlp:*`) matches, whatever the case.

    Every name matches itself: brackets in it (`acme:note="[draft]"`) are a set of letters to the shell.
    """
    wanted = pattern.lower()
    return [name for name in names if fnmatchcase(lower := name.lower(), wanted) or lower == wanted]


def is_expression(pattern: str) -> bool:
    """Return whether somebody wrote a regular expression, which `matching` takes for a text that nothing is."""
    pattern = pattern.strip()
    return bool(_EXPRESSION.search(pattern) or _EXPRESSION_OUTSIDE_QUOTES.search(_IN_QUOTES.sub("", pattern)))


def marking(names: Iterable[str], scheme: Literal["tlp", "pap"]) -> str | None:
    """Return the strictest level that `names` mark in the scheme, in lower case, or None when they mark none.

    Tags are read as docs/clearance.md says: a level of the scheme that nobody knows (tlp:unclear) is the strictest.
    """
    return strictest(set(names), scheme)  # an event's attributes have the same few


class View:
    """What one request's `data` says. Reading is lazy: only what is asked for is looked at.

    Lists of attributes hold MISP's own rows, not copies; an attribute of an object is followed by its object's name
    through `object_name`.
    """

    def __init__(self, data: Any) -> None:
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        event = self.data.get("Event")
        self.event: dict[str, Any] = event if isinstance(event, dict) else {}

    @lazy
    def kind(self) -> Kind:
        """What this is about, told by shape: MISP does not send the trigger's name."""
        data, event = self.data, self.event
        if "_module" in data:
            return "enrichment"
        if isinstance(data.get("Log"), dict):
            return "log"
        if isinstance(data.get("Post"), dict):
            return "post"
        if not event:
            return "user" if data.keys() & _OF_USERS else "event" if "info" in data else "empty"
        if "info" not in event and not self.attributes:
            return "empty"
        if "RelatedEvent" in event or "id" not in event:  # a full event, or one not saved yet
            return "event"
        if rows(event.get("ShadowAttribute")):
            return "proposal"
        if rows(event.get("EventReport")):
            return "report"
        if len(self.attributes) == 1 and "event_id" in self.attributes[0]:  # else an event, written by hand
            return "sighting" if rows(self.attributes[0].get("Sighting")) else "attribute"
        return "event"

    @lazy
    def attributes(self) -> list[dict[str, Any]]:
        """Every attribute of the event, those in objects included, each once."""
        found = rows(self.event.get("Attribute"))
        for row in rows(self.event.get("Object")):
            found += rows(row.get("Attribute"))
        return found or rows(self.event.get("_AttributeFlattened"))

    @lazy
    def objects(self) -> list[dict[str, Any]]:
        """The event's objects."""
        return rows(self.event.get("Object"))

    @lazy
    def tags(self) -> list[str]:
        """Names of the event's own tags."""
        return tag_names(self.event)

    @lazy
    def all_tags(self) -> list[str]:
        """Names of every tag on the event or one of its attributes, each once."""
        found = dict.fromkeys(self.tags)
        for start in range(0, len(self.attributes), CHUNK):
            some = self.attributes[start : start + CHUNK]
            names = _usual_tag_names(some)
            found |= dict.fromkeys(name for row in some for name in tag_names(row)) if names is None else names
        return list(found)

    @lazy
    def tags_of_all(self) -> set[str]:
        """Names of every tag on whatever is in the data: objects, reports, proposals and clusters, too."""
        found, left = set(self.all_tags), [self.data]
        while left:
            part = left.pop()
            if isinstance(part, Mapping):
                found.update(tag_names(part))
                left += [inner for name, inner in part.items() if name not in ATTRIBUTE_LISTS]
            elif isinstance(part, list):
                left += part
        return found

    @lazy
    def tlp(self) -> str | None:
        """The event's own TLP level, or None when it has none."""
        return marking(self.tags, "tlp")

    @property
    def organisation(self) -> str:
        """Name of the creator organisation, or ""."""
        orgc = self.event.get("Orgc")
        return text(orgc.get("name")) if isinstance(orgc, dict) else ""

    def object_name(self, attribute: Mapping[str, Any]) -> str:
        """Return the name of the object that holds the attribute, or ""."""
        return self._object_names.get(text(attribute.get("object_id")), "")

    @lazy
    def _object_names(self) -> dict[str, str]:
        return {text(row.get("id")): text(row.get("name")) for row in self.objects if row.get("id")}


def count_types(attributes: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Return how many attributes there are of each type."""
    return Counter(text(row.get("type")) or "unknown" for row in attributes)


def live(attributes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the attributes that are not deleted."""
    return (row for row in attributes if not ((gone := row.get("deleted")) and flag(gone)))
