"""Find the items that may not go, and everything else in the data that is about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow.delivery.guard.marks import TAG_LISTS, Rule
from misp_workflow.delivery.guard.nested import GONE, rewrite

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

    `withheld` holds them as they were, for whoever looks for quotes of them.
    """

    def __init__(self, rule: Rule) -> None:
        self.withheld: list[dict[str, Any]] = []
        self._rule = rule
        self._nodes: set[int] = set()
        self._left: dict[Identity, tuple[str, str]] = {}
        self._known: dict[Identity, Identity] = {}

    def find(self, data: Any) -> None:
        """Remember every item of the data that its own marks keep from going."""

        def visit(node: dict[str, Any], key: str) -> Any:
            event = node.get("Event") if key == "RelatedEvent" else None
            reason = self._rule.reason(event if isinstance(event, dict) else node)
            if not reason:
                return node
            self._remember(node, _kind(node, key), reason)
            return GONE  # what is in it goes with it

        rewrite(data, visit, skip=TAG_LISTS)

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

    def count_in(self, selected: Any) -> Counter[tuple[str, str]]:
        """Return the same for what stands in a selection."""
        found: dict[Identity, tuple[str, str]] = {}

        def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
            for identity in _identities(node, _kind(node, key)):
                first = self._known.get(identity, identity)
                if first in self._left:
                    found[first] = self._left[first]
            return node

        rewrite(selected, visit, skip=TAG_LISTS)
        return Counter(found.values())

    def remove(self, data: Any) -> Any:
        """Return the data without these items, their copies and what refers to them; None when nothing is left."""
        left = rewrite(data, self._visit, skip=TAG_LISTS)
        return None if left is GONE else left

    def _visit(self, node: dict[str, Any], key: str) -> Any:
        kind = _kind(node, key)
        if id(node) in self._nodes or self._follows(node, kind):
            return GONE
        if kind == "object" and self._is_emptied(node):
            return GONE
        related = node.get("RelatedAttribute")  # keyed by the number of the attribute
        if isinstance(related, dict) and any(("attribute", number) in self._known for number in related):
            kept = {number: rows for number, rows in related.items() if ("attribute", number) not in self._known}
            return {**node, "RelatedAttribute": kept}
        return node

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
