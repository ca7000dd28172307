"""Find the items that may not go, and everything else in the data that is about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from misp_workflow.delivery.guard.marks import Rule, refused_holders
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

    `withheld` holds them as they were, `inside` the places of them and of all objects in them: for whoever looks for
    quotes of them.
    """

    def __init__(self, rule: Rule) -> None:
        self.withheld: list[dict[str, Any]] = []
        self.inside: list[Place] = []
        self._rule = rule
        self._nodes: set[int] = set()
        self._left: dict[Identity, tuple[str, str]] = {}
        self._known: dict[Identity, Identity] = {}

    def find(self, edits: Edits, refused: set[str]) -> None:
        """Note that every item goes that its own marks, tags that are `refused` among them, keep from going."""
        reasons: dict[int, str] = {}
        for place in self._marked(edits.survey, refused):
            if reason := self._reason(place):
                reasons[id(place[0])] = reason
                edits.drop(place)
        inside = edits.settle()
        within = set(map(id, inside))
        for node, key, around in inside:  # the outermost first; of copies with different marks, the first counts
            if id(around) not in within and id(node) in reasons:
                self._remember(node, _kind(node, key), reasons[id(node)])
        self.inside += inside

    def _marked(self, survey: Survey, refused: set[str]) -> Iterable[Place]:
        """Return the places with a mark that may keep them from going."""
        holders = refused_holders(survey, refused)
        if self._rule.least:
            holders += survey.having("distribution")
        marked = {id(place): place for place in holders}
        marked.update((id(place[2]), place[2]) for place in holders if place[2] and place[2][1] == "RelatedEvent")
        return marked.values()

    def _reason(self, place: Place) -> str:
        node, key, _ = place
        event = node.get("Event") if key == "RelatedEvent" else None
        return self._rule.reason(event if isinstance(event, dict) else node)

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
        """Note that the copies of these items and what refers to them go."""
        going = self._nodes | self._going_along(edits)
        for place in [place for place in edits.places if id(place[0]) in going]:
            edits.drop(place)
        numbers = {identity[1] for identity in self._known if identity[0] == "attribute" and len(identity) == 2}
        for place in edits.places if "RelatedAttribute" in edits.survey.members else ():
            node, key, around = place
            if key in numbers and around[1] == "RelatedAttribute":
                edits.drop(place)
            elif key == "RelatedAttribute" and not numbers.isdisjoint(node):  # keyed by the number of the attribute
                edits.put(place, {number: rows for number, rows in node.items() if number not in numbers})
        edits.settle()

    def _going_along(self, edits: Edits) -> set[int]:
        """Return the ids of the objects that are copies of these items, about them, or around nothing else."""
        going = {id(node) for node, key, _ in self._naming(edits) if self._follows(node, _kind(node, key))}
        for (node, key, _), _, _ in edits.having("Attribute"):
            if _kind(node, key) == "object" and self._is_emptied(node):
                going.add(id(node))
        return going

    def _naming(self, edits: Edits) -> list[Place]:
        """Return the places of objects that have a number or uuid of one of these items somewhere."""
        if any(len(identity) > 2 for identity in self._known):  # known by what it says
            return edits.places
        said = {identity[1] for identity in self._known}
        names = [name for name in ("uuid", "id", *_REFERENCES, *_NUMBERS) if name in edits.survey.members]
        return [place for name in names for place in edits.places if str(place[0].get(name)) in said]

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
