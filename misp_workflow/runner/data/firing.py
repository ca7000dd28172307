"""What a trigger hands over where only an event is at hand: that of the first attribute, tag, proposal or report in it.

Mirrors no class of MISP: its rows come from the database. Which fields they have was recorded of a running MISP 2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from misp_workflow import php
from misp_workflow.errors import InputError
from misp_workflow.runner.data.asrows import stored_row
from misp_workflow.runner.data.coreformat import ANALYST_DATA, World

Row = dict[str, Any]


@dataclass(frozen=True)
class Fired:
    """What starts a trigger (`data`) and the rows that MISP looks up for it, by table and id; `of` names the one."""

    data: Row
    rows: World
    of: str


_TAG = ("id", "name", "colour", "exportable")
_TAG_OF_A_LINK = (*_TAG, "local")
_TAG_BY_ITS_ATTRIBUTE = (*_TAG, "user_id", "hide_tag", "numerical_value", "is_galaxy", "is_custom_galaxy", "local_only")
_ORGANISATION = ("id", "uuid", "name")
_NOT_IN_ROWS = ("event_creator_email",)


def fire(trigger: str, data: Any) -> Fired | None:
    """What this trigger would hand over for the event in `data`; None where `data` is what it hands over.

    Raises InputError for an event that has nothing which would fire it.
    """
    makers = _MAKERS.get(trigger, ())
    event = data.get("Event") if isinstance(data, dict) else None
    if not makers or handed_over_itself(trigger, data) or not isinstance(event, dict):
        return None
    made, found = next(((one, found) for one in makers if (found := one.find(event))), (makers[0], None))
    if found is None:
        raise InputError(
            f"{trigger} hands over {made.what}, and this event has none; give what MISP hands over, "
            f'{{"{made.key}": {{…}}}}, or an event that has one.'
        )
    attribute, fired, of = found
    attributes_by_id = {} if attribute is None else {_id(attribute.own): attribute.row(event)}
    rows = {"events": {_id(event): _looked_up(made, found, event)}, "attributes": attributes_by_id}
    return Fired({made.key: fired}, rows, of)


def handed_over_itself(trigger: str, data: Any) -> bool:
    """Whether data is what this trigger hands over, of an event that is looked up by what it names."""
    return isinstance(data, dict) and any(made.key in data for made in _MAKERS.get(trigger, ()))


def _looked_up(made: _Maker, found: tuple[_Attribute | None, Row, str], event: Mapping[str, Any]) -> Row:
    """The event's row as MISP fetches it for what was found in it."""
    if made is _PROPOSAL and found[0] is not None:
        return _by_its_attribute(event)
    # A note on an attribute or a report brings the whole event.
    whole = made.key in ANALYST_DATA and found[1]["object_type"] != "Event"
    return stored_row({"Event": event}) if whole else _bare(event)


def _id(row: Mapping[str, Any]) -> str:
    return php.to_string(row.get("id") or "1")


def _scalars(row: Mapping[str, Any]) -> Row:
    return {key: item for key, item in row.items() if not php.is_array(item) and key not in _NOT_IN_ROWS}


def _some(row: Mapping[str, Any], keys: tuple[str, ...]) -> Row:
    return {key: row[key] for key in keys if key in row}


def _rows(event: Mapping[str, Any], key: str) -> list[Row]:
    found = event.get(key)
    return [row for row in php.values(found) if isinstance(row, dict)] if php.is_array(found) else []


def _links(row: Mapping[str, Any], keys: tuple[str, ...]) -> list[Row]:
    return [{"Tag": _some(tag, keys)} for tag in _rows(row, "Tag")]


def _own(event: Mapping[str, Any]) -> Row:
    return {**_scalars(event), "id": _id(event), "sighting_timestamp": event.get("sighting_timestamp", "0")}


def _bare(event: Mapping[str, Any]) -> Row:
    """The event's row as MISP fetches it: no attributes, and tags that do not say whether they are local."""
    row: Row = {"Event": _own(event)}
    if isinstance(event.get("Orgc"), dict):
        row["Orgc"] = _some(event["Orgc"], _ORGANISATION)
    return {**row, "EventTag": _links(event, _TAG)}


def _by_its_attribute(event: Mapping[str, Any]) -> Row:
    """The row as MISP finds it by an attribute: without its organisation, and with all of its tags' fields."""
    return {"Event": _own(event), "EventTag": _links(event, _TAG_BY_ITS_ATTRIBUTE)}


@dataclass(frozen=True)
class _Attribute:
    own: Row
    object: Row | None

    def row(self, event: Mapping[str, Any]) -> Row:
        own = {**_scalars(self.own), "id": _id(self.own), "event_id": _id(event)}
        found = {"Attribute": own, "AttributeTag": _links(self.own, _TAG_OF_A_LINK)}
        if self.object is None:
            return found
        return {**found, "Attribute": {**own, "object_id": _id(self.object)},
                "Object": {**_scalars(self.object), "id": _id(self.object)}}  # fmt: skip

    def __str__(self) -> str:
        return f"{php.to_string(self.own.get('type'))} {php.to_string(self.own.get('value'))}"


def attributes(event: Mapping[str, Any]) -> Iterator[_Attribute]:
    """The attributes of an event, then those in its objects."""
    yield from (_Attribute(row, None) for row in _rows(event, "Attribute"))
    for found in _rows(event, "Object"):
        yield from (_Attribute(row, found) for row in _rows(found, "Attribute"))


Found = tuple[_Attribute | None, Row, str] | None
"""The attribute that it is about, what is handed over, and its name."""


def _sighting(event: Mapping[str, Any]) -> Found:
    attribute = next(attributes(event), None)
    if attribute is None:
        return None
    sighted = next(iter(_rows(attribute.own, "Sighting")), {})
    ids = {"attribute_id": _id(attribute.own), "event_id": _id(event), "type": "0"}
    parts = {"Event": {"id": _id(event)}, "Attribute": {"id": _id(attribute.own)}}
    return attribute, {**ids, **_scalars(sighted), **parts}, f"a sighting of {attribute}"


def _tag(event: Mapping[str, Any]) -> Found:
    """A tag of an attribute: MISP 2.5.1 fires for no tag of an event. It does not say whether the tag is local."""
    for attribute in attributes(event):
        for tag in _rows(attribute.own, "Tag"):
            handed = {key: item for key, item in _scalars(tag).items() if key not in ("local", "relationship_type")}
            ids = {"attribute_id": _id(attribute.own), "event_id": _id(event)}
            return attribute, {**handed, **ids}, f"{php.to_string(tag.get('name'))} on {attribute}"
    return None


def _proposal(event: Mapping[str, Any]) -> Found:
    for proposal in _rows(event, "ShadowAttribute"):
        return None, {**_scalars(proposal), "old_id": "0", "event_id": _id(event)}, _named(proposal)
    for attribute in attributes(event):
        for proposal in _rows(attribute.own, "ShadowAttribute"):
            ids = {"old_id": _id(attribute.own), "event_id": _id(event)}
            return attribute, {**_scalars(proposal), **ids}, f"{_named(proposal)} in place of {attribute}"
    return None


def _named(proposal: Row) -> str:
    return f"{php.to_string(proposal.get('type'))} {php.to_string(proposal.get('value'))}"


def _report(event: Mapping[str, Any]) -> Found:
    report = next(iter(_rows(event, "EventReport")), None)
    if report is None:
        return None
    return None, {**_scalars(report), "event_id": _id(event)}, php.to_string(report.get("name"))


def _analyst_data(kind: str, event: Mapping[str, Any]) -> Found:
    """The first note, opinion or relationship on the event, on an attribute or on a report; it says on what it is."""
    noted = [("Event", event), *(("Attribute", one.own) for one in attributes(event))]
    for target, row in [*noted, *(("EventReport", report) for report in _rows(event, "EventReport"))]:
        for added in _rows(row, kind):
            on = {"object_type": target, "object_uuid": row.get("uuid")}
            return None, {**on, **_scalars(added)}, f"{kind} {php.to_string(added.get('uuid'))}".strip()
    return None


@dataclass(frozen=True)
class _Maker:
    key: str
    what: str
    find: Callable[[Mapping[str, Any]], Found]


_PROPOSAL = _Maker("ShadowAttribute", "a proposal", _proposal)
_MAKERS: dict[str, tuple[_Maker, ...]] = {
    "analyst-data-after-save": tuple(
        _Maker(kind, "a note, an opinion or a relationship", partial(_analyst_data, kind)) for kind in ANALYST_DATA
    ),
    "event-report-after-save": (_Maker("EventReport", "a report", _report),),
    "shadow-attribute-after-save": (_PROPOSAL,),
    "shadow-attribute-before-save": (_PROPOSAL,),
    "sighting-after-save": (_Maker("Sighting", "a sighting of an attribute", _sighting),),
    "tag-attached-after-save": (_Maker("Tag", "a tag of an attribute", _tag),),
}
