"""MISP's rows as the core format that workflows run on. Mirrors `WorkflowFormatConverterTool` and `JSONConverterTool`.

In: what MISP's models hand over, `{"Event": {…}, "Attribute": […], "Object": […], "EventTag": [{"Tag": {…}}], …}`, or a
lone attribute or object row. Out: `{"Event": {…}}`, everything inside the event, tags as `Tag`, and for workflows:

    Event._AttributeFlattened              all attributes, those of objects too, the very same dicts
    Event.….Attribute.{n}._allTags         the event's tags (`inherited`: true), then the attribute's own (false)

`world` holds the rows that MISP would fetch from its database: {"events": {id: row}, "objects": {id: row}, …}.

The input is not changed. Whatever needs no change is shared with it, so treat both as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash

Row = dict[str, Any]
World = Mapping[str, Any]

EVENT_PARTS = (
    "Org",
    "Orgc",
    "SharingGroup",
    "Attribute",
    "ShadowAttribute",
    "RelatedAttribute",
    "RelatedEvent",
    "Galaxy",
    "Object",
    "EventReport",
    "CryptographicKey",
    "Note",
    "Opinion",
    "Relationship",
)
ANALYST_DATA = ("Note", "Opinion", "Relationship")
_NOTHING: Mapping[str, Any] = {}


def convert(data: Any, scope: Any = None, world: World = _NOTHING) -> Row:
    """The data in MISP core format.

    `scope` is "event", "attribute" or "object", guessed from the keys when empty; any other scope gives the empty event,
    as does an attribute or object whose event the world does not know. Keys that begin with "_" stay beside the event.
    Raises PhpCrash where MISP's converter throws (attributes that are no arrays, an event that is a text).
    """
    php.require_array(data, "WorkflowFormatConverterTool::convert(): Argument #1 ($data)")
    row: Row = data if isinstance(data, dict) else {}
    converter = _CONVERTERS.get(_guess_scope(row) if php.empty(scope) else scope)
    converted = converter(row, world) if converter else {}
    if not php.is_array(converted.get("Event")):
        converted["Event"] = {}
    _flatten(converted["Event"])
    converted.update({key: value for key, value in row.items() if key.startswith("_")})
    return converted


def _guess_scope(row: Row) -> str:
    if row.get("Attribute") is not None:
        return "attribute" if row.get("Event") is None else "event"
    return "object" if row.get("Object") is not None else "event"


def find_row(world: World, table: str, row_id: Any) -> Row | None:
    """The row that MISP's database would give for this id, or None."""
    rows = world.get(table) or {}
    if php.is_array(row_id) or php.empty(row_id):
        return None
    row = php.item(rows, php.to_string(row_id))
    return row if isinstance(row, dict) and row else None


# ── one converter per scope ──────────────────────────────────────────────────────────────────────────────────────────


def _convert_event(row: Row, world: World) -> Row:
    event = _event_of(row)
    for part in EVENT_PARTS:
        if row.get(part) is not None:
            event[part] = row[part]
    if event.get("SharingGroup") in ([], {}):
        del event["SharingGroup"]
    if row.get("EventTag"):
        event["Tag"] = _merged_tags(event.get("Tag"), row["EventTag"])
    for part in ANALYST_DATA:
        if event.get(part):
            event[part] = _without_empty_groups(event[part])
    sightings = _by_attribute(row.get("Sighting"))
    if event.get("Attribute"):
        event["Attribute"] = _clean_attributes(event["Attribute"], sightings)
    if event.get("Object"):
        event["Object"] = _clean_objects(event["Object"], sightings)
    if event.get("Galaxy"):
        event["Galaxy"] = _clean_galaxies(event["Galaxy"])
    event.pop("user_id", None)
    converted: Row = {"Event": event}
    if row.get("errors"):
        converted["errors"] = row["errors"]
    return converted


def _convert_attribute(row: Row, world: World) -> Row:
    attribute = row.get("Attribute")
    attribute = dict(php.pairs(attribute)) if php.is_array(attribute) else {}
    if row.get("AttributeTag"):
        attribute["AttributeTag"] = row["AttributeTag"]
    event_id = attribute.get("event_id")
    if event_id is None:
        event_id = _field(row.get("Object"), "event_id")
    event = find_row(world, "events", event_id)
    if event is None:
        return {}
    if not php.loose_equal(attribute.get("object_id"), 0) and php.truthy(attribute.get("object_id")):
        found = find_row(world, "objects", attribute["object_id"]) or {}
        return _convert_event({**event, "Object": [{**_array(found.get("Object")), "Attribute": [attribute]}]}, world)
    return _convert_event({**event, "Attribute": [attribute]}, world)


def _convert_object(row: Row, world: World) -> Row:
    event = find_row(world, "events", _field(row.get("Object"), "event_id"))
    if event is None:
        return {}
    found = dict(row["Object"])
    if row.get("Attribute") is not None:
        found["Attribute"] = row["Attribute"]
    return _convert_event({**event, "Object": [found]}, world)


_CONVERTERS = {"event": _convert_event, "attribute": _convert_attribute, "object": _convert_object}


def _event_of(row: Row) -> Row:
    event = row.get("Event")
    if isinstance(event, str):
        raise PhpCrash("Error", "Cannot unset string offsets")
    if event is not None and event is not False and not php.is_array(event):
        raise PhpCrash("Error", "Cannot use a scalar value as an array")
    return dict(php.pairs(event)) if event else {}


def _field(array: Any, key: str) -> Any:
    if isinstance(array, str):
        raise PhpCrash("TypeError", f'Cannot access offset of type string "{key}" on string')
    return php.item(array, key) if php.is_array(array) else None


def _array(value: Any) -> Row:
    return value if isinstance(value, dict) else {}


# ── cleaning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _clean_attributes(attributes: Any, sightings: Mapping[str, list[Any]]) -> Any:
    if isinstance(attributes, list):
        return [_clean_attribute(attribute, sightings) for attribute in attributes]
    if isinstance(attributes, dict):
        return php.from_pairs({key: _clean_attribute(attribute, sightings) for key, attribute in attributes.items()})
    return attributes


def _clean_attribute(attribute: Any, sightings: Mapping[str, list[Any]]) -> Row:
    if type(attribute) is not dict:
        attribute = _attribute_row(attribute)
    clean: Row = attribute.copy()
    clean.pop("value1", None)
    clean.pop("value2", None)
    tags = clean.pop("AttributeTag", None)
    if tags:
        clean["Tag"] = _merged_tags(clean.get("Tag"), tags)
    if "SharingGroup" in clean and not clean["SharingGroup"]:
        del clean["SharingGroup"]
    if sightings and (seen := sightings.get(php.to_string(clean.get("id")))):
        clean["Sighting"] = seen
    return clean


def _attribute_row(attribute: Any) -> Row:
    """An attribute as PHP would take it apart: null and false turn into an array, other scalars are its death."""
    if php.is_array(attribute):
        return dict(php.pairs(attribute))
    if attribute is None or attribute is False:
        return {}
    if isinstance(attribute, str):
        raise PhpCrash("Error", "Cannot unset string offsets")
    raise PhpCrash("Error", "Cannot unset offset in a non-array variable")


def _merged_tags(present: Any, links: Any) -> Any:
    """The tags that the links point to, position by position over those already there."""
    if not present and type(links) is list:
        return [_tag(link) for link in links]
    tags = dict(php.pairs(present)) if php.is_array(present) else {}
    for key, link in php.pairs(php.to_array(links)):
        tags[key] = _tag(link)
    return php.from_pairs(tags)


def _tag(link: Any) -> Any:
    tag = link.get("Tag") if type(link) is dict else _field(link, "Tag")
    if type(tag) is not dict or "org_id" not in tag:
        return tag
    tag = tag.copy()
    del tag["org_id"]
    return tag


def _clean_objects(objects: Any, sightings: Mapping[str, list[Any]]) -> Any:
    """Objects without attributes are dropped, the others renumbered."""
    if not php.is_array(objects):
        return objects
    return [
        {**found, "Attribute": _clean_attributes(found["Attribute"], sightings)}
        for found in php.values(objects)
        if isinstance(found, dict) and found.get("Attribute")
    ]


def _clean_galaxies(galaxies: Any) -> Any:
    """An empty `meta` of a cluster is an object, {}, on the wire."""
    if not php.is_array(galaxies):
        return galaxies
    return php.from_pairs({key: _clean_galaxy(galaxy) for key, galaxy in php.pairs(galaxies)})


def _clean_galaxy(galaxy: Any) -> Any:
    clusters = galaxy.get("GalaxyCluster") if isinstance(galaxy, dict) else None
    if not php.is_array(clusters):
        return galaxy
    cleaned = {key: _clean_cluster(cluster) for key, cluster in php.pairs(clusters)}
    return {**galaxy, "GalaxyCluster": php.from_pairs(cleaned)}


def _clean_cluster(cluster: Any) -> Any:
    return {**cluster, "meta": {}} if isinstance(cluster, dict) and cluster.get("meta") == [] else cluster


def _without_empty_groups(notes: Any) -> Any:
    if not php.is_array(notes):
        return notes
    return php.from_pairs({key: _without_empty_group(note) for key, note in php.pairs(notes)})


def _without_empty_group(note: Any) -> Any:
    if isinstance(note, dict) and "SharingGroup" in note and not note["SharingGroup"]:
        return {key: value for key, value in note.items() if key != "SharingGroup"}
    return note


def _by_attribute(sightings: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for sighting in php.values(sightings) if php.is_array(sightings) else []:
        if isinstance(sighting, dict):
            found.setdefault(php.to_string(sighting.get("attribute_id")), []).append(sighting)
    return found


# ── what only workflows have ─────────────────────────────────────────────────────────────────────────────────────────


def _flatten(event: Row) -> None:
    """Give each attribute `_allTags`, and the event `_AttributeFlattened`. The attributes are already our own dicts."""
    inherited = [_inherited(tag, True) for tag in php.values(php.to_array(event.get("Tag")))]
    flattened: list[Any] = []
    for attributes in _attribute_lists(event):
        for attribute in attributes:
            tags = attribute.get("Tag")
            attribute["_allTags"] = [*inherited, *[_inherited(tag, False) for tag in php.values(tags)]] if tags else [*inherited]
        flattened.extend(attributes)
    event["_AttributeFlattened"] = flattened


def _attribute_lists(event: Row) -> list[list[Row]]:
    lists = [event.get("Attribute")]
    lists += [found.get("Attribute") for found in php.values(php.to_array(event.get("Object"))) if type(found) is dict]
    return [php.values(attributes) for attributes in lists if php.is_array(attributes)]


def _inherited(tag: Any, inherited: bool) -> Any:
    return {**tag, "inherited": inherited} if type(tag) is dict else {"inherited": inherited}
