"""The way back from MISP core format: an event as MISP reads it anew, and the row that its models hand over of it.

Mirrors what Event::fetchEvent answers, as far as an event in core format shows it; recorded of a running MISP 2.5.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.runner.data.cleaning import Row, field
from misp_workflow.runner.data.coreformat import ANALYST_DATA

_PARTS = (
    "ThreatLevel",
    "Attribute",
    "ShadowAttribute",
    "Object",
    "EventTag",
    "EventReport",
    "CryptographicKey",
    "Galaxy",
    "Orgc",
    "Org",
    "SharingGroup",
    "User",
    "RelatedAttribute",
    "RelatedEvent",
    *ANALYST_DATA,
    "Sighting",
)
"""What stands beside the event in its row, in MISP's order."""
_THREAT_LEVELS = {"1": "High", "2": "Medium", "3": "Low", "4": "Undefined"}
_VIEWED = (*ANALYST_DATA, "RelationshipInbound")


def without_analyst_data(event: Mapping[str, Any]) -> Row:
    """The event without notes, opinions and relationships, also on what is in it: MISP's page shows them, no row."""
    left = _without_notes(event)
    for name in ("Attribute", "_AttributeFlattened", "EventReport", "RelatedEvent", "Object"):
        if php.is_array(left.get(name)):
            left[name] = _each_without(left[name])
    if php.is_array(left.get("Object")):
        left["Object"] = php.from_pairs({key: _object_without(found) for key, found in php.pairs(left["Object"])})
    return left


def _object_without(found: Any) -> Any:
    if not isinstance(found, dict) or not php.is_array(found.get("Attribute")):
        return found
    return {**found, "Attribute": _each_without(found["Attribute"])}


def _each_without(rows: Any) -> Any:
    if not any(isinstance(row, dict) and not row.keys().isdisjoint(_VIEWED) for row in php.values(rows)):
        return rows
    return php.from_pairs({key: _without_notes(row) if isinstance(row, dict) else row for key, row in php.pairs(rows)})


def _without_notes(row: Mapping[str, Any]) -> Row:
    return {key: item for key, item in row.items() if key not in _VIEWED}


def stored_row(converted: Any) -> Row:
    """MISP's row of an event in core format: what is inside of the event stands beside it."""
    event = dict(php.pairs(php.to_array(php.item(converted, "Event"))))
    sightings = [
        sighting
        for attribute in php.values(php.to_array(event.pop("_AttributeFlattened", None)))
        for sighting in php.values(php.to_array(php.item(attribute, "Sighting")))
    ]
    tags = event.pop("Tag", None)
    parts = {name: event.pop(name) for name in _PARTS if name in event}
    if "Attribute" in parts:
        parts["Attribute"] = _attribute_rows(parts["Attribute"])
    if php.is_array(parts.get("Object")):
        parts["Object"] = [
            {**found, "Attribute": _attribute_rows(found.get("Attribute"))} if isinstance(found, dict) else found
            for found in php.values(parts["Object"])
        ]
    parts["EventTag"] = _tag_rows(tags, "event_id", event.get("id"))
    parts["Sighting"] = sightings
    level = php.to_string(event.get("threat_level_id"))
    if level in _THREAT_LEVELS:
        parts["ThreatLevel"] = {"name": _THREAT_LEVELS[level], "id": level}
    if event.get("event_creator_email") is not None:
        parts["User"] = {"email": event["event_creator_email"]}
    return {"Event": event, **{name: parts[name] for name in _PARTS if name in parts}}


_LAST = ("Galaxy", "ShadowAttribute")
_NOT_IN_ROWS = ("Tag", "_allTags", "Sighting", *_LAST)


def _attribute_rows(attributes: Any) -> list[Any]:
    return [
        {
            **{key: value for key, value in attribute.items() if key not in _NOT_IN_ROWS},
            "AttributeTag": _tag_rows(attribute.get("Tag"), "attribute_id", attribute.get("id")),
            **{key: attribute[key] for key in _LAST if key in attribute},
        }
        for attribute in php.values(php.to_array(attributes))
        if isinstance(attribute, dict)
    ]


def _tag_rows(tags: Any, owner: str, owner_id: Any) -> list[Row]:
    """The links to tags; the number of a link is not known."""
    return [
        {
            owner: owner_id,
            "tag_id": field(tag, "id"),
            "local": field(tag, "local"),
            # A tag that came in this run, as one without a number did, has none; others have an empty one.
            "relationship_type": field(tag, "relationship_type") or (None if field(tag, "id") is None else ""),
            "Tag": _tag_row(tag),
        }
        for tag in php.values(php.to_array(tags))
    ]


def _tag_row(tag: Any) -> Any:
    if not isinstance(tag, dict) or "exportable" not in tag:
        return tag
    row: Row = {}
    for key, value in tag.items():
        row[key] = value
        if key == "exportable":
            row["org_id"] = "0"  # everybody may use it; MISP's page leaves this out
    return row
