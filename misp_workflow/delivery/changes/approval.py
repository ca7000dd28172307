"""A gate's yes: one local tag on the event that only this run can have left, so that the graph may rely on it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from misp_workflow.delivery.changes import look, tags
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Refusal, Tally, uuid_of
from misp_workflow.effects import MispChange
from misp_workflow.event import flag, rows, text


def tag(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Make a change of tags; with "fresh" in its values the one that it adds is an approval.

    A yes that was there, local or global, is nobody's of this run: it is removed, and where it stays this fails. MISP
    takes attaching a tag that is there already for a success, so that its answer is read.
    """
    if not change.values.get("fresh"):
        tags.tag(misp, change, tally)
        return
    (name,) = change.values["add"]
    found = look.rows(misp, change, tally)
    old = [(row, one) for row in found for one in rows(row.get("Tag")) if _is(one, name)]
    for row, one in old:
        look.attempt(partial(_detach, misp, uuid_of(row), text(one.get("id"))))
    for row in look.rows(misp, change, tally) if old else found:
        if any(_is(one, name) for one in rows(row.get("Tag"))):
            why = f"an approval that this gate did not give is on the event, and MISP does not remove it: “{name}”"
            tally.fail(uuid_of(row), why)
        else:
            look.each([row], tally, partial(_attach, misp, name))


def _is(one: Row, name: str) -> bool:
    return text(one.get("name")).casefold() == name.casefold()


def _detach(misp: Misp, uuid: str, number: str) -> str:
    return look.trouble_unless_yes(misp.direct_call("tags/removeTagFromObject", {"uuid": uuid, "tag": number}))


def _attach(misp: Misp, name: str, row: Row) -> str:
    said = misp.direct_call("tags/attachTagToObject", {"uuid": uuid_of(row), "tag": _number(misp, name), "local": 1})
    if isinstance(said, dict) and "already has" in text(said.get("message")):
        return "somebody else left the approval at the same moment"
    return look.trouble_unless_yes(said)


def _number(misp: Misp, name: str) -> str:
    """Return the id of the tag, local only where the key's user may make it so, so that nobody attaches it globally.

    Raises Refusal for a tag that workflows do not see, because it is not exportable; local ones stay here anyway.
    """
    listed = [one["Tag"] for one in rows(misp.direct_call("tags/search/0/1", {"tag": name})) if one.get("Tag")]
    known = next((one for one in listed if text(one.get("name")) == name), None)
    if known is None:
        return tags.find_or_make(misp, name, local_only=True)
    number, seen = text(known.get("id")), flag(known.get("exportable"))
    if not (seen and flag(known.get("local_only"))):
        wanted = {"name": name, "colour": known.get("colour"), "exportable": True, "local_only": True}
        with suppress(Refusal):
            seen = look.trouble_in(misp.direct_call(f"tags/edit/{number}", wanted)) == "" or seen
    if not seen:
        raise Refusal(400, f"the tag “{name}” is not exportable, and MISP's workflows do not see it: edit it in MISP")
    return number
