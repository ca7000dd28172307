"""Tags on an event or on attributes: few calls for many, none for what is so already.

Seen on MISP 2.5.1: the bulk call leaves out attributes that an exclusive taxonomy keeps the tag from, says `saved:
false` for all because of one, and ignores `local` in its body (the tag is global then), so it goes into the address.
"""

from __future__ import annotations

import json
import time
from functools import partial

from misp_workflow.delivery.changes import look
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Refusal, Stop, Tally, uuid_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MispChange
from misp_workflow.event import flag, matching, rows, tag_names

_without_local: set[str] = set()
"""Addresses of MISPs whose bulk call cannot attach local tags, found out by trying one attribute."""


def tag(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Make the tags of `values`: {"add": names, "remove": patterns, "local": bool}; what is added is never removed.

    Adding comes first, so that nothing is without a marking in between. With "watch_until" (seconds since 1970) a tag
    that is to be removed, and not there, is looked for again until then.
    """
    found = look.rows(misp, change, tally)
    for name in change.values.get("add", ()):
        _attach(misp, change, found, name, tally)
    for row in found:
        for name in _to_remove(row, change):
            if uuid_of(row) in tally.left:
                look.each([row], tally, partial(_detach, misp, name))
    if not tally.changed and time.time() < change.values.get("watch_until", 0):
        raise Stop(Answer(outcome="again", detail="what is to be taken back may still come"))


def _attach(misp: Misp, change: MispChange, found: list[Row], name: str, tally: Tally) -> None:
    attach_one = partial(_attach_one, misp, change, name)
    lacking = _lacking(found, name, tally)
    if len(lacking) > 2:
        # The first by itself: MISP makes a tag that it does not know yet, and says plainly what it does not allow.
        look.each(lacking[:1], tally, attach_one)
        lacking = lacking[1:]
        local = change.values.get("local", True)
        if local and _takes_local(misp, change, lacking[0], name, tally):
            lacking = _attach_many(misp, change, lacking[1:], name, tally)
        elif not local:
            lacking = _attach_many(misp, change, lacking, name, tally)
    look.each(lacking, tally, attach_one, patience=5)


def _takes_local(misp: Misp, change: MispChange, row: Row, name: str, tally: Tally) -> bool:
    """Try the bulk call on one attribute; take the tag off again when it turns out to be global."""
    if misp.root_url in _without_local:
        return False
    _bulk(misp, change, [row], name)
    seen = Tally({uuid_of(row): tally.names[uuid_of(row)]})
    tags = [one for now in look.rows(misp, change, seen) for one in rows(now.get("Tag"))]
    for one in tags:
        if str(one.get("name")).casefold() == name.casefold():
            if flag(one.get("local")):
                tally.changed.add(uuid_of(row))
                return True
            _without_local.add(misp.root_url)
            _detach(misp, name, row)
    return False


def _attach_many(misp: Misp, change: MispChange, lacking: list[Row], name: str, tally: Tally) -> list[Row]:
    """Attach in bulk, look what came of it, and return the rows that still lack the tag."""
    for some in look.chunks(lacking):
        _bulk(misp, change, some, name)
    seen = Tally({uuid_of(row): tally.names[uuid_of(row)] for row in lacking})
    still = _lacking(look.rows(misp, change, seen), name, seen)
    tally.changed |= seen.names.keys() - {uuid_of(row) for row in still} - seen.failed.keys()
    for uuid, why in seen.failed.items():
        tally.fail(uuid, why)
    return still


def _bulk(misp: Misp, change: MispChange, some: list[Row], name: str) -> None:
    wanted = {"attribute_ids": json.dumps([int(row["id"]) for row in some]), "tag": name}
    try:
        misp.direct_call(f"attributes/addTag/selected{'/local:1' if change.values.get('local', True) else ''}", wanted)
    except Refusal as no:
        if no.everywhere:
            raise


def _attach_one(misp: Misp, change: MispChange, name: str, row: Row) -> str:
    """Attach; where MISP does not want both the new tag and those that it replaces, these go first."""
    local = bool(change.values.get("local", True))

    def attach() -> str:
        return look.trouble_in(misp.tag(uuid_of(row), name, local))

    trouble = look.attempt(attach)
    replaced = _to_remove(row, change) if trouble else []
    if not replaced:
        return trouble
    for old in replaced:
        _detach(misp, old, row)
    trouble = look.attempt(attach)
    if trouble:
        for old in replaced:
            misp.tag(uuid_of(row), old, local)
    return trouble


def _lacking(found: list[Row], name: str, tally: Tally) -> list[Row]:
    wanted, left = name.casefold(), set(tally.left)
    present = [(row, map(str.casefold, tag_names(row, inherited=False))) for row in found if uuid_of(row) in left]
    return [row for row, names in present if wanted not in names]


def _to_remove(row: Row, change: MispChange) -> list[str]:
    kept = {name.casefold() for name in change.values.get("add", ())}
    names = tag_names(row, inherited=False)
    found = dict.fromkeys(name for pattern in change.values.get("remove", ()) for name in matching(names, pattern))
    return [name for name in found if name.casefold() not in kept]


def _detach(misp: Misp, name: str, row: Row) -> str:
    try:
        return look.trouble_in(misp.untag(uuid_of(row), name))
    except Refusal as no:
        if no.gone:
            return ""  # somebody else took it away meanwhile
        raise
