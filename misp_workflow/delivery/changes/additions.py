"""What can be added without end: sightings, notes, reports, links, entries of the event blocklist."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from misp_workflow.delivery.changes import look
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Refusal, Tally, uuid_of
from misp_workflow.effects import MispChange

NAMESPACE = uuids.UUID("6f0f7f0e-5c0a-5f0b-9d0e-6d6973702d77")


def own_uuid(*parts: str) -> str:
    """Return the uuid that a thing made of these parts gets, so that making it again is seen to be the same."""
    return str(uuids.uuid5(NAMESPACE, "\x00".join(parts)))


def sighting(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Add one sighting per attribute; `values`: {"type": "0" | "1" | "2", "source"}."""

    def add(row: Row) -> str:
        said = misp.add_sighting(dict(change.values), uuid_of(row))
        if isinstance(said, dict) and "Sighting" in said:
            return ""
        return look.trouble_in(said) or f"MISP says: {look.plain(_message(said))}"

    look.each(_rows(change, tally), tally, add)


def note(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Add an analyst note or opinion; `values`: {"kind": "Note", "note", "language"} or {"kind": "Opinion", …}."""
    kind = change.values["kind"]
    target = "Attribute" if change.items else "Event"
    fields = {name: value for name, value in change.values.items() if name != "kind"}

    def add(row: Row) -> str:
        own = own_uuid(kind, uuid_of(row), repr(sorted(fields.items())))
        body = {**fields, "uuid": own, "object_uuid": uuid_of(row), "object_type": target}
        try:
            return _added(misp, f"analyst_data/add/{kind}/{uuid_of(row)}/{target}", body, kind)
        except Refusal as no:
            if no.status == 500 and _is_there(misp, f"analyst_data/view/{kind}/{own}"):
                return ""  # MISP answers a uuid that it has with an internal error
            raise

    look.each(_rows(change, tally), tally, add)


def report(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Add a report to the event; `values`: {"name", "content", "distribution"}."""
    own = own_uuid("EventReport", change.event, change.values["name"], change.values["content"])

    def add(row: Row) -> str:
        return _added(misp, f"eventReports/add/{row['id']}", {**change.values, "uuid": own}, "EventReport")

    look.each(look.rows(misp, change, tally), tally, add)


def link(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Add a link attribute to the event, once; `values`: {"value", "comment", "where"}, the last its tracker's name."""
    own = own_uuid("link", change.event, change.values["where"], change.values["value"])
    told = {"value": change.values["value"], "comment": change.values["comment"], "uuid": own}
    body = {**told, "type": "link", "category": "External analysis", "to_ids": False, "distribution": "0"}

    def add(row: Row) -> str:
        try:
            return _added(misp, f"attributes/add/{row['id']}", body, "Attribute")
        except Refusal as no:
            if "already exists" in str(no):
                return ""
            raise

    look.each(look.rows(misp, change, tally), tally, add)


def blocklist(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Put the event on the event blocklist; `values`: {"comment", "event_info", "event_orgc"}."""
    said = misp.add_event_blocklist(
        change.event, change.values["comment"], change.values["event_info"], change.values["event_orgc"]
    )
    done = said.get("result") if isinstance(said, dict) else None
    if isinstance(done, dict) and change.event in done.get("successes", []):
        tally.changed.add(change.event)
    elif not _on_blocklist(misp, change.event):
        tally.fail(change.event, f"MISP says: {look.plain(_message(said))}")


def _rows(change: MispChange, tally: Tally) -> list[Row]:
    left = set(tally.left)
    return [dict(item) for item in change.items or ({"uuid": change.event},) if uuid_of(item) in left]


def _added(misp: Misp, url: str, body: Any, kind: str) -> str:
    try:
        said = misp.direct_call(url, body)
    except Refusal as no:
        if "not unique" in str(no):
            return ""  # the same uuid: it was made before, and the answer got lost
        raise
    if isinstance(said, dict) and isinstance(said.get(kind), dict):
        return ""
    return look.trouble_in(said) or f"MISP says: {look.plain(_message(said))}"


def _is_there(misp: Misp, url: str) -> bool:
    try:
        misp.direct_call(url)
    except Refusal as no:
        if no.gone:
            return False
        raise
    return True


def _message(said: Any) -> Any:
    told = said.get("message") or said.get("errors") if isinstance(said, dict) else said
    return told or "nothing that is understood here"


def _on_blocklist(misp: Misp, uuid: str) -> bool:
    listed = misp.event_blocklists()
    found = [one.get("EventBlocklist", one) for one in listed] if isinstance(listed, list) else []
    return any(str(one.get("event_uuid", "")).lower() == uuid for one in found)
