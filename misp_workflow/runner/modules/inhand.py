"""Writing into the data in hand: an attribute wherever the event holds it, tags of the event or of an attribute.

Mirrors WorkflowBaseActionModule's _overrideAttribute, _addTag and _removeTag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.runner.data.profiles import EDITS_TRAVEL_WHOLE, EVENT_WITHOUT_TAGS_TAKES_TAGS, Profile
from misp_workflow.runner.data.roaming import SNAPSHOT, filters_of

Attribute = dict[str, Any]
Change = Callable[[Any], Any]


Merge = Callable[[list[Attribute]], Attribute]
"""What of several attributes ends up where there is room for one."""


def _last(rows: list[Attribute]) -> Attribute:
    return rows[-1]


def write_back(data: Any, changed: list[Attribute], misp: Profile, at_no_place: Merge = _last) -> Any:
    """The data with these attributes in place of those of the same id, in the event, its objects and the flat list.

    In 2.5.1 those of objects that filters hide have no place but "" among the event's own, where the next one follows.
    After 2.5.1 also in the data that filters hide, where attributes outside of objects land at the position that they
    have in the filtered list: a slip of MISP's, which puts them over others.
    """
    by_id = {php.to_string(attribute.get("id")): attribute for attribute in changed}
    if not by_id:
        return data
    new = _changed_by_id(data, lambda attribute: by_id.get(php.to_string(attribute.get("id")), attribute))
    if EDITS_TRAVEL_WHOLE not in misp:
        return _with_homeless(new, by_id, at_no_place)
    if not filters_of(data):
        return new
    hidden = _changed_by_id(
        data[SNAPSHOT], lambda attribute: by_id.get(php.to_string(attribute.get("id")), attribute), plain=False
    )
    visible = php.item(php.item(data, "Event"), "Attribute")
    places = {
        key: by_id[identity]
        for key, attribute in (php.pairs(visible) if php.is_array(visible) else ())
        if (identity := php.to_string(php.item(attribute, "id"))) in by_id
    }
    return {**new, SNAPSHOT: _at_places(hidden, places)}


def _with_homeless(data: Any, by_id: Mapping[str, Attribute], at_no_place: Merge) -> Any:
    """The data with those of the attributes under "" that stand in the flat list only."""
    event = php.item(data, "Event")
    if not filters_of(data) or not isinstance(event, dict):
        return data
    plain, objects = (php.to_array(event.get(name)) for name in ("Attribute", "Object"))
    placed = [plain, *(php.to_array(php.item(one, "Attribute")) for one in php.values(objects))]
    found = {php.to_string(php.item(row, "id")) for rows in placed for row in php.values(rows)}
    homeless = [row for identity, row in by_id.items() if identity not in found]
    if not homeless:
        return data
    return {**data, "Event": {**event, "Attribute": {**dict(php.pairs(plain)), "": at_no_place(homeless)}}}


def under_no_place(data: Any, row: Any) -> Any:
    """The data with a row that is no attribute among the attributes: MISP finds no place for it, and so none but ""."""
    event = dict(php.pairs(php.to_array(php.item(data, "Event"))))
    for name in ("Attribute", "_AttributeFlattened"):
        event[name] = {**dict(php.pairs(php.to_array(event.get(name)))), "": row}
    return {**dict(php.pairs(data)), "Event": event}


def _at_places(data: Any, places: Mapping[str, Attribute]) -> Any:
    event = php.item(data, "Event")
    if not places or not isinstance(event, dict):
        return data
    attributes = php.from_pairs({**dict(php.pairs(php.to_array(event.get("Attribute")))), **places})
    return {**data, "Event": {**event, "Attribute": attributes}}


def _changed_by_id(data: Any, change: Change, *, plain: bool = True) -> Any:
    """The data with every attribute changed, in objects and the flat list and, if `plain`, in Event.Attribute."""
    event = php.item(data, "Event")
    if not isinstance(event, dict):
        return data
    new = dict(event)
    for name in ("Attribute", "_AttributeFlattened") if plain else ("_AttributeFlattened",):
        if name in new:
            new[name] = _each(new[name], change)
    if php.is_array(new.get("Object")):
        new["Object"] = _each(new["Object"], lambda found: _in_object(found, change))
    return {**dict(php.pairs(data)), "Event": new}


def _in_object(found: Any, change: Change) -> Any:
    if not isinstance(found, dict) or "Attribute" not in found:
        return found
    attributes = _each(found["Attribute"], change)
    return found if attributes is found["Attribute"] else {**found, "Attribute": attributes}


def _each(array: Any, change: Change) -> Any:
    """The array with every row in it changed; the same object when none was."""

    def new(entry: Any) -> Any:
        return change(entry) if isinstance(entry, dict) else entry

    if isinstance(array, list):
        entries = [new(entry) for entry in array]
        return array if all(after is before for after, before in zip(entries, array, strict=True)) else entries
    if isinstance(array, dict):
        pairs = {key: new(entry) for key, entry in array.items()}
        return array if all(pairs[key] is array[key] for key in pairs) else pairs
    return array


# --- tags ------------------------------------------------------------------------------------------------------------

TagChange = Callable[[Any], Any]
"""From a list of tags, null where there is none, to another."""


def added(tags: list[dict[str, Any]]) -> TagChange:
    return lambda present: [*(php.values(present) if php.is_array(present) else []), *tags]


def removed(names: list[str]) -> TagChange:
    """Without the tags of these names. The others keep their positions, so that the list can end up with holes."""

    def change(present: Any) -> Any:
        pairs = php.pairs(present) if php.is_array(present) else ()
        return php.from_pairs({key: tag for key, tag in pairs if php.item(tag, "name") not in names})

    return change


def change_event_tags(data: Any, change: TagChange, misp: Profile, *, adding: bool) -> Any:
    """The data with other tags on the event; what its attributes inherit stays. Raises PhpCrash for one without."""
    event = php.item(data, "Event")
    tags = php.item(event, "Tag")
    if not (adding and EVENT_WITHOUT_TAGS_TAKES_TAGS in misp):
        php.require_array(tags, "array_merge(): Argument #1" if adding else "array_filter(): Argument #1 ($array)")
    return {**dict(php.pairs(data)), "Event": {**dict(php.pairs(php.to_array(event))), "Tag": change(tags)}}


def change_attribute_tags(data: Any, wanted: Iterable[tuple[Any, TagChange]]) -> Any:
    """The data with other tags on these attributes, by id, wherever they stand, also where filters hide them."""
    by_id: dict[str, list[TagChange]] = {}
    for attribute_id, change in wanted:
        by_id.setdefault(php.to_string(attribute_id), []).append(change)

    def changed(attribute: Any) -> Any:
        for change in by_id.get(php.to_string(attribute.get("id")), ()):
            attribute = {**attribute, **{name: change(attribute.get(name)) for name in ("Tag", "_allTags")}}
        return attribute

    new = _changed_by_id(data, changed)
    if filters_of(data):
        new = {**new, SNAPSHOT: _changed_by_id(data[SNAPSHOT], changed)}
    return new
