"""What a run itself changed in MISP's database, for whoever reads the event anew.

Mirrors what Event::attachTagsToEventAndTouch and its kin leave in the rows, as far as workflows can see it. What a
Python action changes through MISP's API is not known here, but for the tag by which a gate approves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.runner.data import coreformat
from misp_workflow.runner.data.profiles import Profile
from misp_workflow.runner.modules import inhand

Row = Mapping[str, Any]
Change = tuple[str, list[Any]]

_SHARING_GROUP = 4


def after(data: Any, changes: Iterable[Change], misp: Profile) -> Any:
    """The event in core format as it is after these changes of it; the same object when none of them is of it."""
    event = php.item(data, "Event")
    if not isinstance(event, dict):
        return data
    of_event, of_attributes = _sorted(changes, php.to_string(event.get("id")))
    changed = [
        _changed(attribute, of_attributes[key])
        for attribute in (php.each(php.to_array(event.get("_AttributeFlattened"))) if of_attributes else ())
        if isinstance(attribute, dict) and (key := php.to_string(attribute.get("id"))) in of_attributes
    ]
    if not of_event and not changed:
        return data
    data = inhand.write_back(data, changed, misp)
    data = {**data, "Event": _changed(data["Event"], of_event)}
    # Which tags an attribute inherits has to be worked out anew.
    return coreformat.convert(data, "event", misp=misp) if "_AttributeFlattened" in event else data


def _sorted(changes: Iterable[Change], event_id: str) -> tuple[list[Change], dict[str, list[Change]]]:
    """The changes of the event itself, and those of its attributes by their id."""
    of_event: list[Change] = []
    of_attributes: dict[str, list[Change]] = {}
    for name, args in changes:
        if name in OF_EVENT and args and php.to_string(args[0]) == event_id:
            of_event.append((name, args[1:]))
        elif name in OF_ATTRIBUTE and args:
            of_attributes.setdefault(php.to_string(args[0]), []).append((name, args[1:]))
        elif name == _EDITS and isinstance(php.item(args, "0"), dict):
            of_attributes.setdefault(php.to_string(args[0].get("id")), []).append((name, args))
    return of_event, of_attributes


def _changed(row: Row, changes: Iterable[Change]) -> dict[str, Any]:
    for name, args in changes:
        row = CHANGES[name](row, args[-1])
    return dict(row)


# --- tags ------------------------------------------------------------------------------------------------------------


def _names(options: Any) -> list[Any]:
    return [name for name in php.values(php.to_array(php.item(options, "tags"))) if isinstance(name, str) and name]


def _tags(row: Row) -> list[Any]:
    tags = row.get("Tag")
    return php.values(tags) if php.is_array(tags) else []


def same_tag(name: str) -> str:
    """What MISP's database compares of a tag's name: neither capitals nor spaces at the end."""
    return name.lower().rstrip(" ")


def _key(tag: Any) -> str | None:
    name = php.item(tag, "name")
    return same_tag(name) if isinstance(name, str) else None


def _tagged(row: Row, options: Any) -> Row:
    """With the tags that it does not have yet; one that it has may get another kind of relationship."""
    kind = php.item(options, "relationship_type") or None
    wanted = {same_tag(name): name for name in reversed(_names(options))}
    tags = [{**tag, "relationship_type": kind} if kind and _key(tag) in wanted else tag for tag in _tags(row)]
    for present in map(_key, tags):
        wanted.pop(present or "", None)
    local = php.truthy(php.item(options, "local"))
    added = [{"name": name, "local": local, "relationship_type": kind} for name in reversed(wanted.values())]
    return {**row, "Tag": [*tags, *added]}


def _untagged(row: Row, options: Any) -> Row:
    """Without these tags, if their locality is one that was asked for; where it is not known, it is."""
    names, wanted = set(map(same_tag, _names(options))), localities(php.item(options, "local"))

    def goes(tag: Any) -> bool:
        local = php.item(tag, "local")
        return _key(tag) in names and (local is None or php.truthy(local) in wanted)

    tags = _tags(row)
    if not any(map(goes, tags)):
        return row
    left = [tag for tag in tags if not goes(tag)]
    return {**row, "Tag": left} if left else {key: item for key, item in row.items() if key != "Tag"}


def localities(local: Any) -> set[bool]:
    """Which localities are meant by 2.5.1's list of them, or by a later MISP's true, false or null for both."""
    if php.is_array(local):
        return {php.truthy(entry) for entry in php.values(local)}
    return {True, False} if local is None else {php.truthy(local)}


# --- fields ----------------------------------------------------------------------------------------------------------


def _edited(row: Row, saved: Any) -> Row:
    """With the fields of the saved row; what hangs on it (tags, sightings) is no part of it."""
    fields = {key: value for key, value in saved.items() if not php.is_array(value)}
    if php.empty(fields.get("comment", "x")):
        fields["comment"] = ""  # a comment that is "0" is none to MISP
    return {**row, **fields}


def _distributed(row: Row, params: Any) -> Row:
    """With another distribution; and unpublished, unless that was to stay."""
    changed = {**row, "distribution": php.item(params, "distribution")}
    if php.loose_equal(changed["distribution"], _SHARING_GROUP):
        changed["sharing_group_id"] = php.item(params, "sharing_group_id")
    return changed if php.item(params, "freeze") == "freeze" else {**changed, "published": False}


def _published(row: Row, _: Any) -> Row:
    return {**row, "published": True}


OF_EVENT: Mapping[str, Callable[[Row, Any], Row]] = {
    "Event.attachTagsToEventAndTouch": _tagged,
    "Event.detachTagsFromEventAndTouch": _untagged,
    "Event.distribution": _distributed,
    "Event.publish": _published,
}
OF_ATTRIBUTE: Mapping[str, Callable[[Row, Any], Row]] = {
    "Attribute.attachTagsFromAttributeAndTouch": _tagged,
    "Attribute.attachTagsToAttributeAndTouch": _tagged,
    "Attribute.detachTagsFromAttributeAndTouch": _untagged,
}
_EDITS = "Attribute.editAttribute"
CHANGES = {**OF_EVENT, **OF_ATTRIBUTE, _EDITS: _edited}
