"""Small events in the shapes that MISP sends, for the tables and properties of the guard."""

from __future__ import annotations

import itertools
from typing import Any

Tags = dict[str, list[str]]

SHAPES = ("published", "flattened tags only", "database rows", "arrays with holes", "single tag objects")


def event_of(event_tags: list[str], items: Tags, shape: str = "published") -> dict[str, Any]:
    """Return trigger data with one attribute per item; the name is its value, "object:" puts it into an object."""
    numbers = itertools.count(1)
    plain = [_attribute(name, tags, event_tags, next(numbers), shape) for name, tags in items.items()]
    inside = [row for row in plain if row["value"].startswith("object:")]
    outside = [row for row in plain if row not in inside]
    event: dict[str, Any] = {
        "id": "57",
        "uuid": "00000000-0000-4000-8000-000000000057",
        "info": "An event",
        "distribution": "3",
        "Attribute": outside,
        "Object": [_object(row, next(numbers)) for row in inside],
        "RelatedEvent": [],
        **_tags(event_tags, "EventTag", shape),
    }
    event["_AttributeFlattened"] = [dict(row) for row in plain]
    if shape == "arrays with holes":
        event["Attribute"] = {str(2 * place): row for place, row in enumerate(outside)}
    return {"Event": event}


def _attribute(name: str, tags: list[str], event_tags: list[str], number: int, shape: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": str(number),
        "uuid": f"00000000-0000-4000-9000-{number:012}",
        "type": "text",
        "category": "Other",
        "distribution": "5",
        "value": name,
    }
    everything = [{"name": tag} for tag in tags] + [{"name": tag, "inherited": True} for tag in event_tags]
    if shape == "flattened tags only":
        return {**row, "_allTags": everything}
    if shape == "published":
        row["_allTags"] = everything
    return {**row, **_tags(tags, "AttributeTag", shape)}


def _object(attribute: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "uuid": f"00000000-0000-4000-a000-{number:012}",
        "name": "file",
        "meta-category": "file",
        "distribution": "5",
        "Attribute": [{**attribute, "object_id": str(number)}],
    }


def _tags(names: list[str], rows: str, shape: str) -> dict[str, Any]:
    if shape == "database rows":
        return {rows: [{"tag_id": "1", "Tag": {"id": "1", "name": name}} for name in names]}
    if shape == "arrays with holes":
        return {"Tag": {str(3 * place): {"name": name} for place, name in enumerate(names)}}
    if shape == "single tag objects" and len(names) == 1:
        return {"Tag": {"name": names[0], "colour": "#000000"}}
    return {"Tag": [{"name": name, "colour": "#000000"} for name in names]}
