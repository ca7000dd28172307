"""What the actions that change the operator's own MISP share: which items, and the change as an effect."""

from __future__ import annotations

import hashlib
import re
import time
import uuid as uuids
from collections.abc import Iterable, Mapping
from dataclasses import replace
from glob import escape
from typing import Any

from misp_workflow import deadline
from misp_workflow.action.call import Call
from misp_workflow.action.params import Table
from misp_workflow.action.shared import content
from misp_workflow.effects import Json, MispChange, Receipt
from misp_workflow.errors import InputError
from misp_workflow.event import flag, live, tag_names, text, uuid_of
from misp_workflow.markings import PAP_LEVELS, UNKNOWN, read_tag
from misp_workflow.settings import Destination
from misp_workflow.words import counted

_OF_EACH = re.compile(r"\battribute\b")

WATCH = 60.0
"""Seconds for which an approval that came too late is looked for, and taken back."""

SCOPE: Table = {
    "scope": {
        "description": "What is changed: attribute (the selected ones) or event",
        "format": "choice",
        "choices": ["attribute", "event"],
        "default": "attribute",
    },
}

LOCAL: Table = {
    "local_tags": {
        "formerly": ["local"],
        "description": "true: local tags, which stay on this MISP and fire no workflow; false: global tags",
        "format": "boolean",
        "default": True,
    },
}

PAP: Table = {
    "pap": {
        "description": "Highest PAP of what may be asked about: clear, green, amber (which allows online checks), red",
        "format": "choice",
        "choices": list(PAP_LEVELS),
        "default": "amber",
    },
}


def nothing(call: Call) -> Receipt:
    """Return the receipt for a call that no attribute was selected for."""
    if any(flag(row.get("deleted")) for row in call.rows):
        return call.skip("what was selected is deleted in MISP, and so left alone")
    if call.selected is not None:
        return call.skip("what the node's filter selected holds no attribute that MISP has saved")
    if call.params.selected_or_all == "all":
        return call.skip("there is no attribute to act on: MISP sent none that it has saved")
    return call.skip("nothing was selected; set 'selected_or_all' to all to act on every attribute")


def attributes(call: Call) -> list[dict[str, Any]]:
    """Return the attributes to act on, each once: rows that MISP has saved and that nobody deleted, so can change."""
    found = {uuid_of(row): row for row in live(call.rows) if text(row.get("type")) and "value" in row}
    return [row for uuid, row in found.items() if uuid]


def each_rendered(call: Call, name: str, items: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """Return the parameter `name` as each attribute's uuid has it, {uuid: {name: text}}, where its template asks for
    `attribute`; nothing where it says the same of all."""
    if not _OF_EACH.search(getattr(call.params, name)):
        return {}
    return {text(row["uuid"]).lower(): {name: content.rendered(call, name, row)} for row in deadline.paced(items)}


def may_be_asked(rows: Iterable[Mapping[str, Any]], call: Call) -> tuple[list[Mapping[str, Any]], int]:
    """Return the rows whose PAP, and whose event's, lets somebody else be asked about them, and how many do not.

    Tags that stay at home count, too: they are out of the rows already.
    """
    highest, listed = PAP_LEVELS.index(call.params.pap), list(rows)
    allowed = [row for row in listed if _pap([*tag_names(row), *call.all_tags_of(row)]) <= highest]
    return allowed, len(listed) - len(allowed)


def _pap(names: Iterable[str]) -> int:
    """Return the strictest PAP that these tags say, as a position in PAP_LEVELS; what says none counts as amber."""
    found = max((read_tag(name).pap for name in names), default=UNKNOWN)
    return PAP_LEVELS.index(Destination.unmarked_pap) if found == UNKNOWN else found


def change(call: Call, what: str, items: Iterable[Mapping[str, Any]] = (), /, **values: Json) -> MispChange:
    """Return the effect that changes these items, or the event when there are none.

    Raises InputError for an event that MISP has not saved yet.
    """
    uuid = uuid_of(call.judged.event)
    if not uuid:
        raise InputError("MISP sent no event that it has saved, so there is nothing that could be changed.")
    listed = tuple(_item(row) for row in items)
    about = f"{counted(len(listed), 'attribute')} of {call.topic}" if listed else call.topic
    return MispChange(
        change=what,
        event=uuid,
        items=listed,
        values=values,
        origin=_origin(call, what),
        label=f"{what.replace('_', ' ')}: {about}",
        service="MISP",
        **which(call),
    )


def which(call: Call) -> dict[str, Any]:
    """Return what an effect says of the MISP that it changes, where there are several: its name, and the event's number
    there, which no other has. Raises InputError when it is not known which MISP asks."""
    place = call.settings.misp
    if place.choices:
        raise InputError(f"{place.missing[:1].upper()}{place.missing[1:]}; nothing was changed.")
    return {"misp": place.name, "event_number": place.event[1]}


def approval(call: Call, tag: str) -> tuple[MispChange, MispChange]:
    """Return the change that leaves a gate's approval on the event, and the one that takes it back.

    The first happens before the gate's own deadline or never: no outbox keeps it. It takes no approval that is there
    already for its own. Whether a request that got no answer was carried out nobody knows, so the second looks for the
    tag for WATCH seconds.
    """
    run = {"run": uuids.uuid4().hex}  # the outbox would take the same change, a moment later, for the same
    approve = change(call, "tag", add=[tag], local=True, fresh=True, **run)
    take_back = change(call, "tag", remove=[escape(tag)], watch_until=time.time() + WATCH, **run)
    return replace(approve, keep=False, origin=""), replace(take_back, origin="")


def same_taxonomy(name: str) -> str:
    """Return the pattern of the tags that a tag replaces: tlp:* for tlp:green, a:b=* for a:b="c"."""
    if "=" in name:
        return f"{escape(name.partition('=')[0])}=*"
    return f"{escape(name.rpartition(':')[0])}:*" if ":" in name else escape(name)


def _item(row: Mapping[str, Any]) -> dict[str, Json]:
    known = {key: text(row.get(key)) for key in ("uuid", "type", "value")}
    return {**known, "uuid": known["uuid"].lower(), **({"hash": row["hash"]} if "hash" in row else {})}


def _origin(call: Call, what: str) -> str:
    """Return what tells this node from others: what it does, with which parameters."""
    told = repr((what, sorted(vars(call.params).items(), key=lambda item: item[0]), call.settings.misp.name))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]
