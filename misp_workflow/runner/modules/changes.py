"""What a run itself changed in MISP's database, for whoever reads the event anew.

Mirrors what Event::attachTagsToEventAndTouch and its kin leave in the rows, as far as workflows can see it. What a
Python action changes through MISP's API is not known here, but for the tag by which a gate approves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from misp_workflow import php
from misp_workflow.runner.data import coreformat
from misp_workflow.runner.data.profiles import Profile
from misp_workflow.runner.modules import inhand

Row = Mapping[str, Any]
Change = tuple[str, list[Any]]

_SHARING_GROUP = 4
_CLUSTER = "misp-galaxy:"
ACCEPTED, DISCARDED = "ShadowAttribute.accept", "ShadowAttribute.discard"


def after(data: Any, changes: Iterable[Change], misp: Profile, now: int) -> Any:
    """The event in core format as it is after these changes of it; the same object when none of them is of it.

    now: the second in which they were made.
    """
    event = php.item(data, "Event")
    if not isinstance(event, dict):
        return data
    stored = _Stored(event, str(now))
    for name, args in changes:
        stored.hear(name, args)
    if not stored.changed:
        return data
    data = stored.written(data, misp)
    # Which tags an attribute inherits has to be worked out anew.
    return coreformat.convert(data, "event", misp=misp) if "_AttributeFlattened" in event else data


class _Stored:
    """The rows of one event: its own, and of its attributes those that a change is of."""

    def __init__(self, event: dict[str, Any], now: str) -> None:
        self.changed = False
        self._before, self._event, self._now = event, event, now
        self._event_id = php.to_string(event.get("id"))
        self._attributes: dict[str, dict[str, Any]] = {}
        self._gone: set[str] = set()
        self._new: list[dict[str, Any]] = []
        self._touched_objects: set[str] = set()

    def hear(self, name: str, args: list[Any]) -> None:
        if not args:
            return
        if name == _EDITS:
            if isinstance(args[0], dict) and (row := self._attribute(args[0].get("id"))) is not None:
                self._set({**_edited(row, args[0]), "timestamp": self._now})
        elif name in OF_ATTRIBUTE:
            if (row := self._attribute(args[0])) is not None:
                self._tag(row, name, args[-1])
        elif php.to_string(args[0]) != self._event_id:
            return
        elif name in OF_EVENT:
            self._of_event(name, args[-1])
        elif name in (ACCEPTED, DISCARDED):
            self._proposal(args[1], args[2], accepted=name == ACCEPTED)

    def written(self, data: Any, misp: Profile) -> Any:
        """The data with what was changed."""
        data = inhand.write_back(data, list(self._attributes.values()), misp)
        event = data["Event"]
        lists = {key: self._left(event[key]) for key in ("Attribute", "_AttributeFlattened") if key in event}
        if self._new:
            lists["Attribute"] = [*php.values(php.to_array(lists.get("Attribute"))), *self._new]
        if php.is_array(event.get("Object")):
            lists["Object"] = php.from_pairs({key: self._object(found) for key, found in php.pairs(event["Object"])})
        return {**data, "Event": {**self._event, **lists}}

    def _left(self, attributes: Any) -> Any:
        if not self._gone or not php.is_array(attributes):
            return attributes
        return [row for row in php.values(attributes) if php.to_string(php.item(row, "id")) not in self._gone]

    def _object(self, found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        if php.to_string(found.get("id")) in self._touched_objects:
            found = {**found, "timestamp": self._now}
        return {**found, "Attribute": self._left(found["Attribute"])} if self._gone and "Attribute" in found else found

    # --- tags --------------------------------------------------------------------------------------------------------

    def _of_event(self, name: str, arg: Any) -> None:
        before, self.changed = self._event, True
        self._event = dict(OF_EVENT[name](before, arg))
        if name == "Event.distribution":
            if php.item(arg, "freeze") != "freeze":
                self._touch()
        elif len(_tags(self._event)) != len(_tags(before)):
            self._event = self._described(before, self._event)
            self._touch()

    def _tag(self, row: dict[str, Any], name: str, options: Any) -> None:
        """Tag an attribute; with a tag that comes or goes its object and event are touched, too."""
        tagged = OF_ATTRIBUTE[name](row, options)
        if len(_tags(tagged)) != len(_tags(row)):
            tagged = {**self._described(row, tagged), "timestamp": self._now}
            self._touched_objects.add(php.to_string(row.get("object_id")))
            self._touch()
        self._set(dict(tagged))

    def _touch(self) -> None:
        """A change that goes on to other MISPs: the event has to be published anew."""
        self._event, self.changed = {**self._event, "timestamp": self._now, "published": False}, True

    def _described(self, before: Row, row: Row) -> dict[str, Any]:
        """The row with its new tags as MISP has them, and without clusters whose tag went."""
        known = {id(tag) for tag in _tags(before)}
        tags = [tag if id(tag) in known else {**self._whole(tag), **tag} for tag in _tags(row)]
        names = {php.item(tag, "name") for tag in tags}
        described = {**row, "Tag": tags} if tags else dict(row)
        if php.is_array(row.get("Galaxy")):
            described["Galaxy"] = [left for galaxy in php.values(row["Galaxy"]) if (left := _clusters(galaxy, names))]
        return described

    def _whole(self, tag: Row) -> dict[str, Any]:
        """What MISP holds of a tag: as it stands elsewhere in the event, or that of a new one, but its number."""
        name = php.to_string(tag.get("name"))
        return self._known_tags.get(same_tag(name)) or {
            "name": name,
            "colour": f"#{hashlib.md5(name.encode('utf-8', 'surrogatepass'), usedforsecurity=False).hexdigest()[:6]}",
            "exportable": True,
            "user_id": "0",
            "hide_tag": False,
            "numerical_value": None,
            "is_galaxy": name.startswith(_CLUSTER),
            "is_custom_galaxy": False,
            "local_only": False,
        }

    @cached_property
    def _known_tags(self) -> dict[str, dict[str, Any]]:
        rows = [self._before, *self._rows.values()]
        return {key: tag for row in reversed(rows) for tag in _tags(row) if (key := _key(tag)) is not None}

    # --- attributes --------------------------------------------------------------------------------------------------

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        found = php.values(php.to_array(self._before.get("_AttributeFlattened")))
        return {php.to_string(row.get("id")): row for row in found if isinstance(row, dict)}

    def _attribute(self, attribute_id: Any) -> dict[str, Any] | None:
        key = php.to_string(attribute_id)
        return None if key in self._gone else self._attributes.get(key) or self._rows.get(key)

    def _set(self, row: dict[str, Any]) -> None:
        self._attributes[php.to_string(row.get("id"))], self.changed = row, True

    # --- proposals ---------------------------------------------------------------------------------------------------

    def _proposal(self, attribute_id: Any, proposal: Row, *, accepted: bool) -> None:
        row = self._attribute(attribute_id) if attribute_id is not None else None
        if row is not None:
            self._set({**row, "ShadowAttribute": _without(row.get("ShadowAttribute"), proposal)})
        else:
            self._event = {**self._event, "ShadowAttribute": _without(self._event.get("ShadowAttribute"), proposal)}
        self._event, self.changed = {**self._event, "proposal_email_lock": False}, True
        if not accepted:
            return
        self._touch()
        if attribute_id is None:
            self._new.append(_of_proposal(proposal))
            self._count(1)
        elif row is not None and php.truthy(proposal.get("proposal_to_delete")):
            self._gone.add(php.to_string(attribute_id))
            self._count(-1)
        elif row is not None:
            proposed = {key: proposal[key] for key in _PROPOSED if key in proposal}
            self._set({**self._attributes[php.to_string(attribute_id)], **proposed, "timestamp": self._now})

    def _count(self, more: int) -> None:
        if php.is_numeric(self._event.get("attribute_count")):
            self._event = {**self._event, "attribute_count": str(php.to_int(self._event["attribute_count"]) + more)}


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


def _clusters(galaxy: Any, names: set[Any]) -> Any:
    """A galaxy with those of its clusters that still have their tag; null where none has."""
    clusters = php.item(galaxy, "GalaxyCluster")
    if not isinstance(galaxy, dict) or not php.is_array(clusters):
        return galaxy
    left = [one for one in php.values(clusters) if php.item(one, "tag_name") is None or one["tag_name"] in names]
    return {**galaxy, "GalaxyCluster": left} if left else None


# --- fields ----------------------------------------------------------------------------------------------------------


def _edited(row: Row, saved: Any) -> Row:
    """With the fields of the saved row; what hangs on it (tags, sightings) is no part of it."""
    fields = {key: value for key, value in saved.items() if not php.is_array(value)}
    if php.empty(fields.get("comment", "x")):
        fields["comment"] = ""  # a comment that is "0" is none to MISP
    return {**row, **fields}


def _distributed(row: Row, params: Any) -> Row:
    changed = {**row, "distribution": php.item(params, "distribution")}
    if php.loose_equal(changed["distribution"], _SHARING_GROUP):
        changed["sharing_group_id"] = php.item(params, "sharing_group_id")
    return changed


def _published(row: Row, _: Any) -> Row:
    return {**row, "published": True}


_PROPOSED = ("type", "category", "to_ids", "comment", "first_seen", "last_seen", "value")


def _without(proposals: Any, gone: Row) -> list[Any]:
    return [one for one in php.values(php.to_array(proposals)) if php.item(one, "id") != gone.get("id")]


def _of_proposal(proposal: Row) -> dict[str, Any]:
    """The attribute that an accepted proposal becomes; the number that it gets is not known here."""
    return {
        **{key: proposal[key] for key in ("type", "category", "to_ids", "uuid", "event_id") if key in proposal},
        "distribution": "5",
        **{key: proposal[key] for key in ("timestamp", "comment") if key in proposal},
        "sharing_group_id": "0",
        "deleted": False,
        "disable_correlation": False,
        "object_id": "0",
        "object_relation": None,
        **{key: proposal.get(key) for key in ("first_seen", "last_seen", "value")},
        "Galaxy": [],
        "ShadowAttribute": [],
    }


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
CHANGES = {**OF_EVENT, **OF_ATTRIBUTE}
"""The changes of tags, each with what it makes of a row."""
