"""Tags on an event or on attributes: few calls for many, none for what is so already.

Seen on MISP 2.5.1: a name is looked up with LIKE (`wf_like` finds wfAlike) and cut at 255 characters, so a tag is found
or made by its exact name first, and attached by its id. The bulk call leaves out attributes that an exclusive taxonomy
keeps the tag from, says `saved: false` for all because of one, and ignores `local` in its body (the tag is global
then), so it goes into the address.
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
from misp_workflow.event import flag, matching, rows, tag_names, text

LONGEST_NAME = 255

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
        for old in _to_remove(row, change):
            if uuid_of(row) in tally.left:
                look.each([row], tally, partial(_detach, misp, old))
    if not tally.changed and time.time() < change.values.get("watch_until", 0):
        raise Stop(Answer(outcome="again", detail="what is to be taken back may still come"))


def _attach(misp: Misp, change: MispChange, found: list[Row], name: str, tally: Tally) -> None:
    lacking = _lacking(found, name, tally)
    if not lacking:
        return
    try:
        number = find_or_make(misp, name)
    except Refusal as no:
        if no.everywhere:
            raise
        for row in lacking:
            tally.fail(uuid_of(row), str(no))
        return
    if len(lacking) > 2:
        lacking = _attach_many(misp, change, lacking, name, number, tally)
    look.each(lacking, tally, partial(_attach_one, misp, number, _local(change)), patience=5)
    attached = [row for row in lacking if uuid_of(row) not in tally.failed]
    for uuid in _lacking_now(misp, change, attached, name, tally):
        tally.changed.discard(uuid)
        tally.fail(uuid, f"MISP said that it attached “{name}”, and has it not")


def find_or_make(misp: Misp, name: str, *, local_only: bool = False) -> str:
    """Return the id of the tag with exactly this name (but for capitals, which MISP does not tell apart either).

    With `local_only` a tag that MISP does not have yet is made one that can be attached locally only.
    """
    if len(name) > LONGEST_NAME:
        raise Refusal(400, f"MISP cuts the name of a tag at {LONGEST_NAME} characters, and this one has {len(name)}")
    for url in ("tags/search/0/1", "tags/search"):  # the exact name, then what LIKE finds
        for one in rows(misp.direct_call(url, {"tag": name})):
            known = one.get("Tag", one)
            if text(known.get("name")).casefold() == name.casefold():
                return text(known["id"])
    try:
        said = misp.direct_call("tags/add", {"name": name, **({"local_only": True} if local_only else {})})
    except Refusal as no:
        if no.status == 403 and "permission" in str(no):
            sentence = (
                f"MISP has no tag “{name}”, and the API key's user may not make one: its role lacks the permission"
            )
            raise Refusal(403, sentence) from None
        raise
    made = said.get("Tag") if isinstance(said, dict) else None
    if not isinstance(made, dict) or text(made.get("name")) != name.rstrip():
        raise Refusal(400, look.trouble_in(said) or f"MISP's answer does not say that it made the tag “{name}”")
    return text(made["id"])


def _local(change: MispChange) -> bool:
    return bool(change.values.get("local", True))


def _attach_many(misp: Misp, change: MispChange, lacking: list[Row], name: str, number: str, tally: Tally) -> list[Row]:
    """Attach in bulk, look what came of it, and return the rows that still lack the tag.

    The first by itself: there MISP says plainly what it does not allow.
    """
    look.each(lacking[:1], tally, partial(_attach_one, misp, number, _local(change)))
    if _local(change) and not _takes_local(misp, change, lacking[1], name, number, tally):
        return lacking[1:]
    for some in look.chunks(lacking[2:] if _local(change) else lacking[1:]):
        with tally.one():
            _bulk(misp, change, some, number)
    still = _lacking_now(misp, change, lacking, name, tally)
    tally.changed |= {uuid_of(row) for row in lacking} - still - tally.failed.keys()
    return [row for row in lacking if uuid_of(row) in still and uuid_of(row) in tally.left]


def _takes_local(misp: Misp, change: MispChange, row: Row, name: str, number: str, tally: Tally) -> bool:
    """Try the bulk call on one attribute; take the tag off again when it turns out to be global."""
    if misp.root_url in _without_local:
        return False
    _bulk(misp, change, [row], number)
    seen = Tally({uuid_of(row): tally.names[uuid_of(row)]})
    tags = [one for now in look.rows(misp, change, seen) for one in rows(now.get("Tag"))]
    for one in tags:
        if text(one.get("name")).casefold() == name.casefold():
            if flag(one.get("local")):
                return True
            _without_local.add(misp.root_url)
            _detach(misp, one, row)
    return False


def _lacking_now(misp: Misp, change: MispChange, these: list[Row], name: str, tally: Tally) -> set[str]:
    """Look again, and return which of these do not have the tag; what MISP does not show any more fails."""
    if not these:
        return set()
    seen = Tally({uuid_of(row): tally.names[uuid_of(row)] for row in these})
    lacking = {uuid_of(row) for row in _lacking(look.rows(misp, change, seen), name, seen)}
    for uuid, why in seen.failed.items():
        tally.fail(uuid, why)
    return lacking


def _bulk(misp: Misp, change: MispChange, some: list[Row], number: str) -> None:
    wanted = {"attribute_ids": json.dumps([int(row["id"]) for row in some]), "tag": number}
    try:
        misp.direct_call(f"attributes/addTag/selected{'/local:1' if _local(change) else ''}", wanted)
    except Refusal as no:
        if no.everywhere:
            raise


def _attach_one(misp: Misp, number: str, local: bool, row: Row) -> str:
    said = misp.tag(uuid_of(row), number, local)
    if isinstance(said, dict) and look.ALREADY in text(said.get("message")):
        return look.ALREADY
    return look.trouble_unless_yes(said)


def _lacking(found: list[Row], name: str, tally: Tally) -> list[Row]:
    wanted, left = name.casefold(), set(tally.left)
    present = [(row, map(str.casefold, tag_names(row, inherited=False))) for row in found if uuid_of(row) in left]
    return [row for row, names in present if wanted not in names]


def _to_remove(row: Row, change: MispChange) -> list[Row]:
    """Return the tags of the row itself that are to go, whether local or global."""
    kept = {name.casefold() for name in change.values.get("add", ())}
    own = {text(one.get("name")): one for one in rows(row.get("Tag")) if not flag(one.get("inherited"))}
    names = dict.fromkeys(name for pattern in change.values.get("remove", ()) for name in matching(own, pattern))
    return [own[name] for name in names if name.casefold() not in kept]


def _detach(misp: Misp, old: Row, row: Row) -> str:
    try:
        return look.trouble_unless_yes(misp.untag(uuid_of(row), text(old.get("id")) or text(old.get("name"))))
    except Refusal as no:
        if no.gone:
            return ""  # somebody else took it away meanwhile
        raise
