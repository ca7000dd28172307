"""What an effect carries that goes out as STIX 2.1: MISP's own words, cleared; the transport makes STIX of them."""

from __future__ import annotations

from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.shared.standing import Standing

HEAD = ("uuid", "info", "date", "timestamp", "publish_timestamp", "threat_level_id", "analysis", "Orgc", "Tag")
"""What STIX says of the event that an attribute is from."""
WHOLE = (*HEAD, "Galaxy", "EventReport", "Note", "Opinion", "Relationship", "Attribute", "Object")


def head(call: Call) -> dict[str, Any]:
    """Return the event without what is in it, for records of attributes."""
    return {name: call.view.event[name] for name in HEAD if name in call.view.event}


def event(call: Call, said: Standing) -> dict[str, Any]:
    """Return what is carried of an event: all of it, or the selected attributes, and which of them are withdrawn."""
    chosen = {"Attribute": [*said.rows, *said.gone], "Object": []} if call.selected is not None else {}
    told = {name: call.view.event[name] for name in WHOLE if name in call.view.event} | chosen
    return {"Event": told, "withdrawn": [row["uuid"] for row in said.gone]}


def report(call: Call, said: Standing) -> dict[str, Any]:
    """Return what is carried of an event whose attributes have records of their own, those in objects among them."""
    told = {name: call.view.event[name] for name in WHOLE if name in call.view.event}
    return {"Event": {**told, "Attribute": said.rows, "Object": []}, "withdrawn": []}


def selection(call: Call) -> dict[str, Any] | None:
    """Return the same for a message that takes nothing back: what is selected, or all when the node says so."""
    everything = call.selected is None and call.params.selected_or_all == "all"
    if not everything and not call.rows:
        return None
    told = {name: call.view.event[name] for name in WHOLE if name in call.view.event}
    return {"Event": told if everything else {**told, "Attribute": call.rows, "Object": []}, "withdrawn": []}
