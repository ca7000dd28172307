"""Fields of attributes and of an event, and publishing. Only what differs is written, one row at a time.

Not in bulk: `attributes/editSelected` also switches correlation off for every attribute that it touches (seen on MISP
2.5.1), whatever it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from misp_workflow.delivery.changes import look, tags
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Tally, uuid_of
from misp_workflow.effects import MispChange
from misp_workflow.event import flag

FLAGS = ("to_ids", "disable_correlation", "published")


def edit(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Set the fields in `values["set"]` on the attributes, and what `values["own"]` has for the uuid of one."""
    wanted, own = change.values["set"], change.values.get("own") or {}
    for row in look.rows(misp, change, tally):
        missing = _difference(row, {**wanted, **own.get(uuid_of(row), {})})
        if missing:
            look.each([row], tally, partial(_write, misp, "attributes", missing))


def mark(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Set the fields in `values["set"]`, and make the tags of `values` (see `tags.tag`): one change, told as one."""
    if change.values.get("set"):
        edit(misp, change, tally)
    if change.values.get("add"):
        tags.tag(misp, change, tally)


def event(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Set the fields in `values["set"]` on the event, then publish or unpublish it as `values["publish"]` says."""
    wanted, publish = change.values.get("set", {}), change.values.get("publish")
    for row in look.rows(misp, change, tally):
        missing = _difference(row, wanted)
        if missing:
            look.each([row], tally, partial(_write, misp, "events", missing))
        if publish is None or tally.failed or (not missing and flag(row.get("published")) == publish):
            continue
        look.each([row], tally, partial(_publish, misp.publish if publish else misp.unpublish))
        if publish and not tally.failed:
            tally.notes.append("MISP queued the publishing, which a workflow of its own may still stop")


def _difference(row: Row, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted fields that the row does not have yet."""
    return {name: value for name, value in wanted.items() if not _same(name, row.get(name), value)}


def _same(name: str, has: Any, wanted: Any) -> bool:
    if name in FLAGS:
        return flag(has) == flag(wanted)
    return str("" if has is None else has) == str(wanted)


def _publish(call: Callable[[str], Any], row: Row) -> str:
    return look.trouble_unless_yes(call(uuid_of(row)))


def _write(misp: Misp, controller: str, fields: Mapping[str, Any], row: Row) -> str:
    said = misp.direct_call(f"{controller}/edit/{uuid_of(row)}", dict(fields))
    now = said.get("Event" if controller == "events" else "Attribute") if isinstance(said, dict) else None
    if not isinstance(now, dict):
        return look.trouble_in(said) or "MISP's answer does not say whether it was changed"
    kept = _difference(now, fields)
    return f"MISP kept its own {', '.join(kept)}" if kept else ""
