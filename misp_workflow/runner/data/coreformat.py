"""MISP's rows as the core format that workflows run on. Mirrors `WorkflowFormatConverterTool` and `JSONConverterTool`.

In: what MISP's models hand over, `{"Event": {…}, "Attribute": […], "Object": […], "EventTag": [{"Tag": {…}}], …}`, or a
lone attribute or object row. Out: `{"Event": {…}}`, everything inside the event, tags as `Tag`, and for workflows:

    Event._AttributeFlattened              all attributes, those of objects too, the very same dicts
    Event.….Attribute.{n}._allTags         the event's tags (`inherited`: true), then the attribute's own (false)

`world` holds the rows that MISP would fetch from its database: {"events": {id: row}, "objects": {id: row}, …}.

The input is not changed. Whatever needs no change is shared with it, so treat both as values.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data.cleaning import (
    Cleaner,
    Row,
    clean_galaxies,
    field,
    merged_tags,
    own_field,
    own_row,
    without_empty_groups,
)
from misp_workflow.runner.data.profiles import OLDEST, REPORTS_HAVE_TAGS, Profile, profile

_FIRST = profile(OLDEST)

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
OF_EVENTS_ONLY = ("Org", "Orgc", "RelatedEvent")
ANALYST_DATA = ("Note", "Opinion", "Relationship")
_NOTHING: Mapping[str, Any] = {}
MANY_CONTAINERS = 10_000
"""From here on it takes longer to look through new containers for garbage than to know that there is none."""


def convert(data: Any, scope: Any = None, world: World = _NOTHING, misp: Profile = _FIRST) -> Row:
    """The data in MISP core format.

    `scope` is "event", "attribute" or "object", guessed from the keys when empty. Any other scope gives the empty
    event, as does an attribute or object whose event the world does not know. Keys that begin with "_" stay
    beside the event.
    Raises PhpCrash where MISP's converter throws (attributes that are no arrays, an event that is a text).
    """
    php.require_array(data, "WorkflowFormatConverterTool::convert(): Argument #1 ($data)")
    row: Row = data if isinstance(data, dict) else {}
    chosen = _guess_scope(row) if php.empty(scope) else php.to_string(scope)
    with _collector_paused():
        converted = _CONVERTERS[chosen](row, world) if chosen in _CONVERTERS else _empty_event()
    if REPORTS_HAVE_TAGS in misp:
        converted = with_report_tags(converted)
    converted.update({key: value for key, value in row.items() if key.startswith("_")})
    return converted


def with_report_tags(converted: Row) -> Row:
    """The event in core format with `Tag` and `_allTags` on its reports, as on attributes."""
    event = converted["Event"]
    if not event.get("EventReport"):
        return converted
    return {
        **converted,
        "Event": {**event, "EventReport": Cleaner(event.get("Tag"), None).reports(event["EventReport"])},
    }


def _empty_event() -> Row:
    return {"Event": {"_AttributeFlattened": []}}


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector away while many containers are made that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # Asked last: to count what is frozen takes a step for each of it.
            if gc.get_count()[0] > MANY_CONTAINERS and not gc.get_freeze_count():
                # What was made goes to the oldest generation at once: to look through it now would find nothing.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _guess_scope(row: Row) -> str:
    """An event that has attributes beside it is told from an attribute with its event by what only events have."""
    if row.get("Attribute") is not None:
        whole = row.get("Event") is not None and any(row.get(part) is not None for part in OF_EVENTS_ONLY)
        return "event" if whole else "attribute"
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
    if "SharingGroup" in event and not event["SharingGroup"]:
        del event["SharingGroup"]
    if php.is_array(row.get("EventTag")) and row["EventTag"]:
        event["Tag"] = merged_tags(event.get("Tag"), row["EventTag"])
    for part in ANALYST_DATA:
        if event.get(part) is not None:
            event[part] = without_empty_groups(event[part])
    cleaner = Cleaner(event.get("Tag"), row.get("Sighting"))
    related = event.pop("RelatedAttribute", None)
    if event.get("Attribute") is not None:
        event["Attribute"] = cleaner.attributes(_with_related(event["Attribute"], related))
    if event.get("Object") is not None:
        event["Object"] = cleaner.objects(_with_related_of(event.get("Attribute"), event["Object"], related))
    if event.get("Galaxy"):
        event["Galaxy"] = clean_galaxies(event["Galaxy"])
    event.pop("user_id", None)
    event["_AttributeFlattened"] = cleaner.flattened
    converted: Row = {"Event": event}
    if row.get("errors") is not None:
        converted["errors"] = row["errors"]
    return converted


def _convert_attribute(row: Row, world: World) -> Row:
    attribute = own_row(row.get("Attribute") or None)
    if row.get("AttributeTag"):
        attribute["AttributeTag"] = row["AttributeTag"]
    event = find_row(world, "events", attribute.get("event_id"))
    if event is None:
        return _empty_event()
    found = _array((find_row(world, "objects", attribute.get("object_id")) or {}).get("Object"))
    if found:
        return _convert_event({**event, "Object": [{**found, "Attribute": [attribute]}]}, world)
    return _convert_event({**event, "Attribute": [attribute]}, world)


def _convert_object(row: Row, world: World) -> Row:
    event = find_row(world, "events", own_field(row.get("Object"), "event_id"))
    if event is None:
        return _empty_event()
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


def _array(value: Any) -> Row:
    return value if isinstance(value, dict) else {}


# ── related attributes ──────────────────────────────────────────────────────────────────────────────────────────────


def _with_related(attributes: Any, related: Any) -> Any:
    """Each attribute with the rows of other events' attributes that have its value."""
    if not related or not php.is_array(attributes):
        return attributes

    def joined(attribute: Any) -> Any:
        rows = php.item(related, php.to_string(php.item(attribute, "id"))) if isinstance(attribute, dict) else None
        if not rows or not php.is_array(rows):
            return attribute
        return {**attribute, "RelatedAttribute": [_related(row) for row in php.values(rows)]}

    return php.from_pairs({key: joined(attribute) for key, attribute in php.pairs(attributes)})


def _related(row: Any) -> Row:
    return {
        "id": field(row, "attribute_id"),
        "value": field(row, "value"),
        "org_id": field(row, "org_id"),
        "info": field(row, "info"),
        "event_id": field(row, "id"),
    }


def _with_related_of(attributes: Any, objects: Any, related: Any) -> Any:
    """By a slip of MISP's, an attribute in an object gets those of the event's attribute at the same position."""
    if not related or not php.is_array(objects):
        return objects

    def joined(key: Any, attribute: Any) -> Any:
        rows = php.item(php.item(attributes, key), "RelatedAttribute")
        return {**attribute, "RelatedAttribute": rows} if rows and isinstance(attribute, dict) else attribute

    def filled(found: Any) -> Any:
        own = php.item(found, "Attribute")
        if not php.is_array(own):
            return found
        return {**found, "Attribute": php.from_pairs({key: joined(key, entry) for key, entry in php.pairs(own)})}

    return php.from_pairs({key: filled(found) for key, found in php.pairs(objects)})
