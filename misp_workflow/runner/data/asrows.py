"""The way back from MISP core format: an event as MISP reads it anew, and the row that its models hand over of it.

Mirrors what Event::fetchEvent answers, as far as an event in core format shows it; recorded of a running MISP 2.5.1.
"""

from __future__ import annotations

import operator
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


def as_read(event: Mapping[str, Any]) -> Row:
    """The event as MISP reads it anew, though it was given as MISP's page shows it, or as somebody wrote it.

    That is without notes, opinions and relationships, without what is deleted but reports, and without objects that
    have no attribute left. Where there is no tag there is no list of them.
    """
    read = dict(_row_as_read(event))
    for name in ("Attribute", "_AttributeFlattened", "EventReport", "RelatedEvent"):
        if php.is_array(read.get(name)):
            read[name] = _rows_as_read(read[name], deleted=name == "EventReport")
    if php.is_array(read.get("Object")):
        objects = [_object_as_read(found) for found in php.values(_rows_as_read(read["Object"]))]
        read["Object"] = [found for found in objects if not php.empty(php.item(found, "Attribute"))]
    return read


def _object_as_read(found: Any) -> Any:
    attributes = php.item(found, "Attribute")
    return {**found, "Attribute": _rows_as_read(attributes)} if php.is_array(attributes) else found


def _rows_as_read(rows: Any, *, deleted: bool = False) -> Any:
    """The rows, in their own list where nothing is to be taken out of it."""
    kept = [row for row in php.values(rows) if deleted or not php.truthy(php.item(row, "deleted"))]
    read = [_row_as_read(row) if isinstance(row, dict) else row for row in kept]
    same = isinstance(rows, list) and len(read) == len(rows) and all(map(operator.is_, read, rows))
    return rows if same else read


def _row_as_read(row: Mapping[str, Any]) -> Row:
    gone = [key for key in _VIEWED if key in row]
    if "Tag" in row and php.empty(row["Tag"]):
        gone.append("Tag")
    if not gone and isinstance(row, dict):
        return row
    return {key: item for key, item in row.items() if key not in gone}


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
