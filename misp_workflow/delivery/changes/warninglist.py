"""Entries of a warninglist of the operator's own. MISP takes whole lists only: read, merge, write.

So nothing is written unless all of the list was read. Seen on MISP 2.5.1: entries and types stand inside
`Warninglist`, an edit replaces what it brings and keeps the rest, and as objects {"value", "comment"} entries survive
unchanged (as text a # in a value begins a comment).
"""

from __future__ import annotations

import threading
import time
from typing import Any

from misp_workflow.delivery.changes import look
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Refusal, Stop, Tally, uuid_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MispChange

ANY_TYPE = "ALL"
"""What MISP notes for a list that is for every type of attribute."""

_alone = threading.Lock()


def add(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Add the items' values to a warninglist of the operator's own, which is made when it is missing.

    `values`: {"name", "type", "description", "matching_attributes"}. One at a time in this process; when another
    process or a person changes the list in the same moment, that is found out afterwards and said.
    """
    if not _alone.acquire(timeout=min(max(tally.deadline - time.monotonic(), 0), 60)):
        raise Stop(Answer(outcome="again", detail="another change of a warninglist is under way"))
    try:
        mine = _own_list(misp, change.values["name"])
        adding = _new_values(change, tally)
        if mine is None:
            _make(misp, change, adding)
            tally.changed |= adding.keys()
        else:
            _extend(misp, mine, adding, change, tally)
    finally:
        _alone.release()


def _own_list(misp: Misp, name: str) -> Row | None:
    """Return what MISP's index says of the list, None when it has none of this name."""
    listed = misp.warninglists()
    if not isinstance(listed, list):
        raise TypeError("warninglists/index without a list")
    found = [one.get("Warninglist", one) for one in listed]
    mine: Row | None = next((one for one in found if str(one.get("name")).casefold() == name.casefold()), None)
    if mine and mine.get("default"):
        raise Refusal(403, f"“{name}” is one of MISP's own warninglists, which its next update would overwrite")
    return mine


def _new_values(change: MispChange, tally: Tally) -> dict[str, str]:
    found = {}
    for item in change.items:
        value, uuid = str(item.get("value", "")).strip(), uuid_of(item)
        if not value or not value.isprintable():
            tally.fail(uuid, "a value with a line break cannot stand on a warninglist")
        elif uuid in tally.left:
            found[uuid] = value
    return found


def _make(misp: Misp, change: MispChange, adding: dict[str, str]) -> None:
    if adding:
        entries = [{"value": value} for value in dict.fromkeys(adding.values())]
        body = {**change.values, "category": "false_positive", "enabled": True, "entries": entries}
        _saved(misp.direct_call("warninglists/add", body))


def _extend(misp: Misp, mine: Row, adding: dict[str, str], change: MispChange, tally: Tally) -> None:
    whole = _whole(misp, mine)
    there = {one["value"] for one in whole["WarninglistEntry"]}
    adding = {uuid: value for uuid, value in adding.items() if value not in there}
    if not adding:
        return
    entries = [{"value": one["value"], "comment": one.get("comment")} for one in whole["WarninglistEntry"]]
    entries += [{"value": value} for value in dict.fromkeys(adding.values())]
    body: dict[str, Any] = {"entries": entries}  # what an edit does not name stays as it is
    types = [one["type"] for one in whole["WarninglistType"]]
    more = [one for one in change.values["matching_attributes"] if one not in types]
    if more and ANY_TYPE not in types:
        body["matching_attributes"] = [*types, *more]
    saved = _saved(misp.direct_call(f"warninglists/edit/{mine['id']}", body))
    tally.changed |= adding.keys()
    if str(saved.get("version")) != str(int(whole["version"]) + 1):
        tally.notes.append("somebody else changed the list in the same moment: look whether their entries are there")


def _whole(misp: Misp, mine: Row) -> Row:
    """Return the list with all its entries and types; Refusal when MISP's answer is not understood as a whole one."""
    said = misp.get_warninglist(int(mine["id"]))
    whole = said.get("Warninglist") if isinstance(said, dict) else None
    parts = [whole.get(part) for part in ("WarninglistEntry", "WarninglistType")] if isinstance(whole, dict) else [None]
    understood = (
        isinstance(whole, dict)
        and str(whole.get("id")) == str(mine["id"])
        and str(whole.get("version")).isdigit()
        and all(isinstance(part, list) for part in parts)
        and all(isinstance(one, dict) and isinstance(one.get("value"), str) for one in parts[0] or [])
        and all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in parts[1] or [])
        and len(parts[0] or []) >= int(mine.get("warninglist_entry_count") or 0)
    )
    if not understood:
        sentence = (
            f"MISP's answer does not show the whole of the warninglist “{mine.get('name')}”; it was left as it is"
        )
        raise Refusal(400, sentence)
    return dict(whole or {})


def _saved(said: Any) -> Row:
    saved = said.get("Warninglist") if isinstance(said, dict) else None
    if not isinstance(saved, dict):
        raise Refusal(400, look.trouble_in(said) or "MISP's answer does not say whether the warninglist was saved")
    return saved
