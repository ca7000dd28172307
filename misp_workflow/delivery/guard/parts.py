"""Find the items that may not go, and everything else in the data that is about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
REFERENCES = ("attribute_uuid", "object_uuid", "referenced_uuid", "related_object_uuid", "parent_uuid")
NUMBERS = {"attribute_id": "attribute", "old_id": "attribute", "object_id": "object"}
_SAID = ("type", "category", "object_relation", "value", "name")

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
            if id(node) in reasons and id(around) not in within:
                self._remember(node, _kind(node, key), reasons[id(node)])
        self.inside += inside

    def _marked(self, survey: Survey, refused: set[str]) -> Iterable[Place]:
        """Return the places with a mark that may keep them from going."""
        holders = refused_holders(survey, refused)
        if self._rule.least:
            holders += survey.having("distribution")
        holders += [around for _, _, around in holders if around and around[1] == "RelatedEvent"]
        return {id(place): place for place in holders}.values()

    def _reason(self, place: Place) -> str:
        node, key, _ = place
        event = node.get("Event") if key == "RelatedEvent" else None
        return self._rule.reason(event if isinstance(event, dict) else node)

    def _remember(self, node: dict[str, Any], kind: str, reason: str) -> None:
        self.withheld.append(node)
        self._nodes.add(id(node))
        for item, its_kind in _owned(node, kind):
            identities = _identities(item, its_kind)
            first = identities[0]
            if (item is node or its_kind == "attribute") and self._left.keys().isdisjoint(identities):
                self._left[first] = (its_kind, reason)
            if its_kind in _IDENTIFIED:
                self._known.update(dict.fromkeys(identities, first))

    def names(self) -> set[tuple[str, str]] | None:
        """Return kind and number, or "uuid" and uuid, of all that is left out; None when something has neither."""
        found = self._known.keys() | self._left.keys()
        return {(kind, name) for kind, name in found} if all(len(identity) == 2 for identity in found) else None

    def counted(self, selected: Survey | None) -> Iterable[tuple[str, str]]:
        """Return kind and reason of each item that was found, of those in a selection only if there is one.

        Copies of one item count once.
        """
        if selected is None:
            return self._left.values()
        found: dict[Identity, tuple[str, str]] = {}
        for node, key, _ in selected.places:
            for identity in _identities(node, _kind(node, key)):
                first = self._known.get(identity, identity)
                if first in self._left:
                    found[first] = self._left[first]
        return found.values()

    def remove(self, edits: Edits) -> None:
        """Note that the copies of these items and what refers to them go."""
        going = self._nodes | self._going_along(edits)
        for place in [place for place in edits.places if id(place[0]) in going]:
            edits.drop(place)
        if "RelatedAttribute" in edits.survey.members:
            self._remove_relations(edits)
        edits.settle()

    def _going_along(self, edits: Edits) -> set[int]:
        """Return the ids of the objects that are copies of these items, about them, or around nothing else."""
        naming = self._naming(edits)
        going = {id(node) for node, key, _ in naming if self._follows(node, _kind(node, key))}
        if "Attribute" in edits.survey.members:
            named = self._nodes.union([id(place[0]) for place in naming])
            for node, key, _ in [place for place in edits.places if "Attribute" in place[0]]:
                if _kind(node, key) == "object" and self._is_emptied(node, named):
                    going.add(id(node))
        return going

    def _naming(self, edits: Edits) -> list[Place]:
        """Return the places of objects that have a number or uuid of one of these items somewhere."""
        if max(map(len, self._known), default=0) > 2:  # known by what it says
            return edits.places
        said = {identity[1] for identity in self._known}
        kinds = {identity[0] for identity in self._known}
        names = ["uuid", "id", *REFERENCES, *[name for name, its in NUMBERS.items() if its in kinds]]
        names = [name for name in names if name in edits.survey.members]
        return [place for name in names for place in edits.places if str(place[0].get(name)).lower() in said]

    def _remove_relations(self, edits: Edits) -> None:
        """Note that what other events say like these items goes: it is keyed by the number of the attribute."""
        numbers = {identity[1] for identity in self._known if identity[0] == "attribute" and len(identity) == 2}
        for place in edits.places:
            node, key, around = place
            if key in numbers and around[1] == "RelatedAttribute":
                edits.drop(place)
            elif key == "RelatedAttribute" and not numbers.isdisjoint(node):
                edits.put(place, {number: rows for number, rows in node.items() if number not in numbers})

    def _follows(self, node: Mapping[str, Any], kind: str) -> bool:
        """Whether the object is a copy of an item that may not go, or about one."""
        known = self._known.keys()
        if kind in _IDENTIFIED and not known.isdisjoint(_identities(node, kind)):
            return True
        if not known.isdisjoint(
            [("uuid", uuid.lower()) for name in REFERENCES if isinstance(uuid := node.get(name), str)]
        ):
            return True
        return not known.isdisjoint([(its, str(node[name])) for name, its in NUMBERS.items() if name in node])

    def _is_emptied(self, node: Mapping[str, Any], named: set[int]) -> bool:
        """Whether an object had attributes and keeps none of them; only those that are `named` may go."""
        attributes = node.get("Attribute")
        rows = list(attributes.values()) if isinstance(attributes, dict) else attributes
        if not isinstance(rows, list) or not rows or not named.issuperset(map(id, rows)):
            return False
        return all(id(row) in self._nodes or self._follows(row, "attribute") for row in rows)


def _kind(node: Mapping[str, Any], key: str) -> str:
    """Return what the object is: by the member that it stands under, or by its shape in a bare selection."""
    if key in KINDS:
        return KINDS[key]
    if "meta-category" in node or "template_uuid" in node or ("Attribute" in node and "info" not in node):
        return "object"
    if "type" in node and "value" in node:
        return "attribute"
    return "event report" if "content" in node else "item"


def is_nameless(row: Any) -> bool:
    """Whether a selected row is no item that is known again by uuid or number: a tag, a galaxy, a cluster."""
    return isinstance(row, dict) and ("tag_name" in row or _kind(row, "") == "item")


def _owned(node: dict[str, Any], kind: str) -> list[tuple[dict[str, Any], str]]:
    """Return the item and the items that belong to it alone, with their kinds."""
    found = [(node, kind)]
    for item, _ in found:  # which grows meanwhile
        for key in _OWNED:
            if below := item.get(key):
                rows = below.values() if isinstance(below, dict) else below if isinstance(below, list) else ()
                found += [(row, KINDS[key]) for row in rows if isinstance(row, dict)]
    return found


def _identities(node: Mapping[str, Any], kind: str) -> list[Identity]:
    """Return the names under which the item may be met again; an item that has none is known by what it says.

    A uuid is the same one in any spelling, to MISP's database, too.
    """
    if kind == "related event" and isinstance(node.get("Event"), dict):
        node = node["Event"]
    uuid, number = node.get("uuid"), node.get("id")
    found: list[Identity] = []
    if isinstance(uuid, str) and uuid:
        found.append(("uuid", uuid.lower()))
    if number not in (None, "", 0, "0"):
        found.append((kind, str(number)))
    return found or [(kind, *[str(node.get(name)) for name in _SAID])]
