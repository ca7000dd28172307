"""Find the items that may not go, and everything else in the data that is about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.delivery.guard.nested import Edits, Place, Survey

KINDS = {
    "Attribute": "attribute",
    "_AttributeFlattened": "attribute",
    "Object": "object",
    "ShadowAttribute": "proposal",
    "EventReport": "event report",
    "Sighting": "sighting",
    "Note": "note",
    "Opinion": "opinion",
    "Relationship": "relationship",
    "GalaxyCluster": "galaxy cluster",
    "GalaxyClusterRelation": "galaxy relation",
    "TargetingClusterRelation": "galaxy relation",
    "RelatedEvent": "related event",
    "Event": "event",
}
"""What an object in the data is, by the member of the data that it stands under."""

_OWNED = frozenset(("Attribute", "ShadowAttribute", "Sighting", "Note", "Opinion", "Relationship"))
"""Members that belong to one item alone; a galaxy or an organisation inside it is also others'."""
_IDENTIFIED = frozenset(
    ("attribute", "object", "proposal", "event report", "sighting", "note", "opinion", "relationship")
)
_REFERENCES = ("attribute_uuid", "object_uuid", "referenced_uuid", "related_object_uuid", "parent_uuid")
_NUMBERS = {"attribute_id": "attribute", "old_id": "attribute", "object_id": "object"}

Identity = tuple[str, ...]


class Parts:
    """The items of one request that may not go to a destination.

    `withheld` holds them as they were, `within` the ids of their places and of all places in them: for whoever looks
    for quotes of them.
    """

    def __init__(self, rule: Rule) -> None:
        self.withheld: list[dict[str, Any]] = []
        self.within: set[int] = set()
        self._rule = rule
        self._nodes: set[int] = set()
        self._left: dict[Identity, tuple[str, str]] = {}
        self._known: dict[Identity, Identity] = {}

    def find(self, survey: Survey, tags: Mapping[str, list[Place]]) -> None:
        """Remember every item of the data that its own marks keep from going; `tags` are those in the survey."""
        marked = self._marked(survey, tags)
        found: list[tuple[Place, str]] = []
        for place in survey.places:
            node, key, around = place
            if id(around) in self.within:
                self.within.add(id(place))
                continue
            event = node.get("Event") if key == "RelatedEvent" else None
            judged = event if isinstance(event, dict) else node
            if id(judged) in marked and (reason := self._rule.reason(judged)):
                found.append((place, reason))
                self.within.add(id(place))
        for (node, key, _), reason in reversed(found):  # of copies with different marks, the first counts
            self._remember(node, _kind(node, key), reason)

    def _marked(self, survey: Survey, tags: Mapping[str, list[Place]]) -> set[int]:
        """Return the ids of the objects that may have a mark that keeps them from going."""
        marked: set[int] = set()
        seen: set[int] = set()
        for name, places in tags.items():
            for place in places if self._rule.reason_of_tag(name) else ():
                around: Place | None = place
                while around is not None and id(around) not in seen:
                    seen.add(id(around))
                    marked.add(id(around[0]))
                    around = around[2]
        for _, places in survey.having("distribution", tags=False) if self._rule.least else ():
            marked.update(id(place[0]) for place in places)
        return marked

    def _remember(self, node: dict[str, Any], kind: str, reason: str) -> None:
        self.withheld.append(node)
        self._nodes.add(id(node))
        for item, its_kind in _owned(node, kind):
            identities = list(_identities(item, its_kind))
            first = identities[0]
            if not any(identity in self._left for identity in identities) and (
                item is node or its_kind in ("attribute", "object")
            ):
                self._left[first] = (its_kind, reason)
            if its_kind in _IDENTIFIED:
                self._known.update(dict.fromkeys(identities, first))

    def count(self) -> Counter[tuple[str, str]]:
        """Return how many items of a kind were found so far for a reason; copies of one item count once."""
        return Counter(self._left.values())

    def count_in(self, selected: Survey) -> Counter[tuple[str, str]]:
        """Return the same for what stands in a selection."""
        found: dict[Identity, tuple[str, str]] = {}
        for node, key, _ in selected.places:
            for identity in _identities(node, _kind(node, key)):
                first = self._known.get(identity, identity)
                if first in self._left:
                    found[first] = self._left[first]
        return Counter(found.values())

    def remove(self, edits: Edits) -> None:
        """Note that these items, their copies and what refers to them go."""
        going = self._nodes | self._going_along(edits.survey)
        numbers = {identity[1] for identity in self._known if identity[0] == "attribute" and len(identity) == 2}
        for place in edits.survey.places:
            node, key, around = place
            if id(around) in edits.gone:
                edits.gone.add(id(place))
            elif id(node) in going or (key in numbers and around[1] == "RelatedAttribute"):
                edits.drop(place)
            elif key == "RelatedAttribute" and not numbers.isdisjoint(node):  # keyed by the number of the attribute
                edits.put(place, {number: rows for number, rows in node.items() if number not in numbers})

    def _going_along(self, survey: Survey) -> set[int]:
        """Return the ids of the objects that are copies of these items, about them, or around nothing else."""
        going = {id(node) for node, key, _ in self._naming(survey) if self._follows(node, _kind(node, key))}
        for _, places in survey.having("Attribute", tags=False):
            going.update(id(node) for node, key, _ in places if _kind(node, key) == "object" and self._is_emptied(node))
        return going

    def _naming(self, survey: Survey) -> list[Place]:
        """Return the places of objects that have a number or uuid of one of these items somewhere."""
        if any(len(identity) > 2 for identity in self._known):  # known by what it says
            return survey.places
        said = {identity[1] for identity in self._known}
        found: list[Place] = []
        for member, places in survey.having("uuid", "id", *_REFERENCES, *_NUMBERS, tags=False):
            found += [place for place in places if str(place[0][member]) in said]
        return found

    def _follows(self, node: Mapping[str, Any], kind: str) -> bool:
        """Whether the object is a copy of an item that may not go, or about one."""
        if kind in _IDENTIFIED and any(identity in self._known for identity in _identities(node, kind)):
            return True
        if any(("uuid", node[name]) in self._known for name in _REFERENCES if isinstance(node.get(name), str)):
            return True
        return any((its, str(node[name])) in self._known for name, its in _NUMBERS.items() if name in node)

    def _is_emptied(self, node: Mapping[str, Any]) -> bool:
        """Whether an object had attributes and keeps none of them."""
        attributes = node.get("Attribute")
        rows = list(attributes.values()) if isinstance(attributes, dict) else attributes
        return (
            bool(rows)
            and isinstance(rows, list)
            and all(
                isinstance(row, dict) and (id(row) in self._nodes or self._follows(row, "attribute")) for row in rows
            )
        )


def _kind(node: Mapping[str, Any], key: str) -> str:
    """Return what the object is: by the member that it stands under, or by its shape in a bare selection."""
    if key in KINDS:
        return KINDS[key]
    if "meta-category" in node or "template_uuid" in node:
        return "object"
    if "type" in node and "value" in node:
        return "attribute"
    return "event report" if "content" in node else "item"


def _owned(node: dict[str, Any], kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the item and the items that belong to it alone, with their kinds."""
    yield node, kind
    for key in _OWNED & node.keys():
        below = node[key]
        rows = below.values() if isinstance(below, dict) else below if isinstance(below, list) else ()
        for row in rows:
            if isinstance(row, dict):
                yield from _owned(row, KINDS[key])


def _identities(node: Mapping[str, Any], kind: str) -> Iterator[Identity]:
    """Yield the names under which the item may be met again; an item that has none is known by what it says."""
    if kind == "related event" and isinstance(node.get("Event"), dict):
        node = node["Event"]
    named = False
    uuid, number = node.get("uuid"), node.get("id")
    if isinstance(uuid, str) and uuid:
        named = True
        yield ("uuid", uuid)
    if number not in (None, "", 0, "0"):
        named = True
        yield (kind, str(number))
    if not named:
        yield (kind, *(str(node.get(name)) for name in ("type", "category", "object_relation", "value", "name")))
