"""An event as another MISP shall have it: the fields that travel, the distribution one hop further down.

As MISP's own push does: what is for connected communities is for "this community only" there, what is for all stays so,
a sharing group travels along. What is for the own organisation or community only has been left out by the clearance.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.shared.cases import ABOUT_EVENTS, why_it_goes
from misp_workflow.effects import EventPush, Receipt
from misp_workflow.event import flag, rows, text

Row = dict[str, Any]

EVENT = ("uuid", "info", "date", "threat_level_id", "analysis", "timestamp", "extends_uuid", "disable_correlation")
ATTRIBUTE = (
    *("uuid", "type", "category", "value", "data", "to_ids", "comment", "timestamp", "disable_correlation"),
    *("first_seen", "last_seen", "object_relation"),
)
OBJECT = (
    *("uuid", "name", "meta-category", "description", "template_uuid", "template_version", "comment", "timestamp"),
    *("first_seen", "last_seen"),
)
REPORT = ("uuid", "name", "content", "timestamp")
REFERENCE = ("uuid", "timestamp", "referenced_uuid", "referenced_type", "relationship_type", "comment")
SIGHTING = ("uuid", "type", "source", "date_sighting")
TAG = ("name", "colour", "relationship_type")
GROUP = (
    "uuid",
    "name",
    "releasability",
    "description",
    "organisation_uuid",
    "active",
    "roaming",
    "created",
    "modified",
)
FILES = ("attachment", "malware-sample")
"""Types whose content a workflow's data lacks."""

CONNECTED, SHARING_GROUP, INHERIT = "2", "4", "5"
COMMUNITY = "1"


def pushed(call: Call) -> EventPush | Receipt:
    """Return the push that this call asks for, or the receipt of a call that says nothing; needs ITEMS and TLS."""
    view, params = call.view, call.params
    event = call.event_uuid
    if not event or (not call.refusal and (view.kind not in ABOUT_EVENTS or view.kind == "proposal")):
        return call.skip("The data names no event that could be pushed; proposals are not.")
    if flag(view.event.get("protected")):
        return call.skip("The event is protected: only MISP itself can sign it for another MISP.")
    if _lacks_its_group(view.event):
        return call.skip("The data does not say who the event's sharing group is; on event-publish it does.")
    goes = "withheld" if call.refusal else why_it_goes(call)
    if not goes and call.selected is None and params.selected_or_all != "all":
        return call.skip("nothing was selected; set 'selected_or_all' to all to push the whole event")
    chosen = None if call.selected is None else {text(row.get("uuid")) for row in call.rows}
    is_cut = bool(view.data.get("enabledFilters"))  # what a filter node hides is there all the same
    body = {} if goes else _body(call, chosen)
    return EventPush(
        url=params.server_url,
        api_key=params.api_key,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        event=event,
        body=body,
        gone={} if goes else _gone(view.event),
        hidden=() if goes else call.held_back,
        whole=not goes and chosen is None and "RelatedEvent" in view.event and not is_cut,
        locked=flag(view.event.get("locked")),
        goes=goes,
        publish=params.publish_there,
        on_withdraw=params.on_withdraw,
        withheld=call.withheld,
        label=f"push of {call.topic}",
        at=time.time(),
    )


def _body(call: Call, chosen: Container[str] | None) -> Row:
    """Return the event with these parts (None: all of them)."""
    event, with_sightings = call.view.event, call.params.sightings

    def attributes(of: Mapping[str, Any]) -> list[Row]:
        return [_attribute(row, with_sightings) for row in rows(of.get("Attribute")) if _goes_along(row, chosen)]

    things = [{**_object(row), "Attribute": attributes(row)} for row in rows(event.get("Object")) if _may_go(row)]
    reports = [_part(row, REPORT) for row in rows(event.get("EventReport")) if _may_go(row)] if chosen is None else []
    found = {
        **_part(event, EVENT),
        "Orgc": _organisation(event, "Orgc"),
        "Tag": _tags(event),
        "Attribute": attributes(event),
        "Object": [thing for thing in things if chosen is None or thing["Attribute"]],
        "EventReport": reports,
    }
    return {name: value for name, value in found.items() if value not in ([], {})}


def _goes_along(row: Row, chosen: Container[str] | None) -> bool:
    if not (_may_go(row) and text(row.get("type")) and text(row.get("value"))) or (
        row.get("type") in FILES and not row.get("data")
    ):
        return False
    return chosen is None or text(row["uuid"]) in chosen


def _may_go(row: Mapping[str, Any]) -> bool:
    """Whether a part is there, by a uuid, and the call says who its sharing group is: MISP would have to guess it."""
    return bool(text(row.get("uuid"))) and not flag(row.get("deleted")) and not _lacks_its_group(row)


def _lacks_its_group(row: Mapping[str, Any]) -> bool:
    return text(row.get("distribution")) == SHARING_GROUP and not isinstance(row.get("SharingGroup"), dict)


def _attribute(row: Row, with_sightings: bool) -> Row:
    seen = [_sighting(one) for one in rows(row.get("Sighting"))] if with_sightings else []
    return {**_part(row, ATTRIBUTE), "Tag": _tags(row), **({"Sighting": seen} if seen else {})}


def _object(row: Row) -> Row:
    links = [{name: one[name] for name in REFERENCE if name in one} for one in rows(row.get("ObjectReference"))]
    return {**_part(row, OBJECT), **({"ObjectReference": links} if links else {})}


def _sighting(row: Row) -> Row:
    return {**{name: row.get(name) for name in SIGHTING}, "Organisation": _organisation(row)}


def _organisation(row: Mapping[str, Any], name: str = "Organisation") -> Row:
    known = row.get(name)
    return {part: text(known.get(part)) for part in ("uuid", "name")} if isinstance(known, dict) else {}


def _part(row: Mapping[str, Any], fields: tuple[str, ...]) -> Row:
    """Return these fields of an event or a part of it, with the distribution that it has one hop further."""
    level = text(row.get("distribution", INHERIT))
    found = {name: row[name] for name in fields if row.get(name) is not None}
    found["distribution"] = COMMUNITY if level == CONNECTED else level
    if level == SHARING_GROUP:
        found["SharingGroup"] = _group(row.get("SharingGroup"))
    return found


def _group(known: Any) -> Row:
    """Return a sharing group with its members, whom the other MISP learns by it."""
    if not isinstance(known, dict):
        return {}
    members = [
        {"extend": flag(one.get("extend")), "Organisation": _organisation(one)}
        for one in rows(known.get("SharingGroupOrg"))
    ]
    servers = [
        {
            "all_orgs": flag(one.get("all_orgs")),
            "Server": {name: text(one["Server"].get(name)) for name in ("url", "name")},
        }
        for one in rows(known.get("SharingGroupServer"))
        if isinstance(one.get("Server"), dict)
    ]
    return {
        **{name: known[name] for name in GROUP if name in known},
        "Organisation": _organisation(known),
        "SharingGroupOrg": members,
        "SharingGroupServer": servers,
    }


def _tags(row: Mapping[str, Any]) -> list[Row]:
    """Return the tags of its own; those that stay at home have been left out by the clearance."""
    return [{name: tag[name] for name in TAG if tag.get(name)} for tag in rows(row.get("Tag"))]


def _gone(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts that were deleted here, by uuid with their kind."""
    things = rows(event.get("Object"))
    inner = [row for thing in things for row in rows(thing.get("Attribute"))]
    kinds = {"Attribute": [*rows(event.get("Attribute")), *inner], "Object": things}
    kinds["EventReport"] = rows(event.get("EventReport"))
    return {
        text(row["uuid"]): kind
        for kind, found in kinds.items()
        for row in found
        if row.get("uuid") and flag(row.get("deleted"))
    }
