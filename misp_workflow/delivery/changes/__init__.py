"""How a `MispChange` is made: look first, write only what is not so yet, say what became of each item.

Each kind of change is a function (misp, change, tally) that fills the tally; see `look.Misp` for what `misp` offers.
Interrupted and made again, it goes on where it was, because what was done is then already so.
"""

from __future__ import annotations

from collections.abc import Callable

from misp_workflow.delivery.changes import additions, approval, edits, lookups, warninglist
from misp_workflow.delivery.changes.look import Misp
from misp_workflow.delivery.changes.marks import MOST_HOPS, Marks, MarksError, mark
from misp_workflow.delivery.changes.tally import NO_TIME, Refusal, Stop, Tally
from misp_workflow.effects import MispChange
from misp_workflow.printable import logger

__all__ = ["NO_TIME", "Marks", "MarksError", "Misp", "Refusal", "Stop", "Tally", "make"]

LOG = logger("misp_workflow.delivery")

MAKE: dict[str, Callable[[Misp, MispChange, Tally], None]] = {
    "tag": approval.tag,
    "edit": edits.edit,
    "mark": edits.mark,
    "event": edits.event,
    "sighting": additions.sighting,
    "note": additions.note,
    "report": additions.report,
    "link": additions.link,
    "warninglist": warninglist.add,
    "blocklist": additions.blocklist,
    "known_files": lookups.known_files,
    "enrich": lookups.enrich,
}
ONCE = ("sighting", "note", "report", "enrich")
"""Changes that MISP would take again and again; the same one is made once within the window."""


def make(misp: Misp, change: MispChange, tally: Tally, marks: Marks, key: str) -> None:
    """Make the change and fill the tally, also when an exception (Refusal, Stop, the network's) ends it early.

    `key` is the change's own: by it, the next slice of a long one knows what was done before.
    """
    _recall(change, tally, marks, key)
    _leave_out_loops(change, tally, marks)
    unfinished = True
    try:
        if tally.left:
            MAKE[change.change](misp, change, tally)
        unfinished = False
    finally:
        _remember(change, tally, marks, key if unfinished else "")


def _recall(change: MispChange, tally: Tally, marks: Marks, key: str) -> None:
    if len(tally.names) < 2:
        return  # no slices
    known = marks.count(mark(what, key, uuid) for uuid in tally.names for what in ("changed", "settled"))
    tally.earlier = {uuid for uuid in tally.names if mark("changed", key, uuid) in known}
    tally.settled = {uuid for uuid in tally.names if mark("settled", key, uuid) in known}
    if change.change in ONCE:
        tally.settled |= tally.earlier


def _leave_out_loops(change: MispChange, tally: Tally, marks: Marks) -> None:
    hops = {uuid: _hop(change, uuid) for uuid in tally.names} if change.origin else {}
    same = {uuid: _same(change, uuid) for uuid in tally.left} if change.change in ONCE else {}
    counts = marks.count([*hops.values(), *same.values()])
    for uuid, name in hops.items():
        if counts.get(name, 0) >= MOST_HOPS:
            tally.fail(uuid, f"this node changed it {counts[name]} times just now, which looks like a loop")
    repeated = [uuid for uuid, name in same.items() if name in counts]
    if repeated:
        tally.without(repeated)
        tally.notes.append("the same was done a moment ago")


def _remember(change: MispChange, tally: Tally, marks: Marks, unfinished: str) -> None:
    """Note what was changed, and for the next slice of an unfinished change (its key, or "") how far this one came."""
    names = [_hop(change, uuid) for uuid in tally.changed] if change.origin else []
    names += [_same(change, uuid) for uuid in tally.changed if change.change in ONCE]
    if unfinished and len(tally.names) > 1:
        names += [mark("changed", unfinished, uuid) for uuid in tally.changed | tally.earlier]
        names += [mark("settled", unfinished, uuid) for uuid in tally.settled]
    try:
        if names:
            marks.set(names)
    except MarksError as error:  # the change is made: that must be said, whatever the disk thinks
        LOG.warning("%s; a loop would end later", error)


def _hop(change: MispChange, uuid: str) -> str:
    return mark("hop", change.origin, uuid)


def _same(change: MispChange, uuid: str) -> str:
    return mark("same", change.change, f"{change.misp} {uuid}".lstrip(), repr(sorted(change.values.items())))
