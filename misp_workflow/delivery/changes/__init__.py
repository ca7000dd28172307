"""How a `MispChange` is made: look first, write only what is not so yet, say what became of each item.

Each kind of change is a function (misp, change, tally) that fills the tally; see `look.Misp` for what `misp` offers.
Interrupted and made again, it goes on where it was, because what was done is then already so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from misp_workflow.delivery.changes import additions, edits, lookups, tags
from misp_workflow.delivery.changes.look import Misp
from misp_workflow.delivery.changes.marks import MOST_HOPS, Marks, MarksError, mark
from misp_workflow.delivery.changes.tally import Refusal, Stop, Tally
from misp_workflow.effects import MispChange

__all__ = ["Marks", "MarksError", "Misp", "Refusal", "Stop", "Tally", "make"]

LOG = logging.getLogger("misp_workflow.delivery")

MAKE: dict[str, Callable[[Misp, MispChange, Tally], None]] = {
    "tag": tags.tag,
    "edit": edits.edit,
    "event": edits.event,
    "sighting": additions.sighting,
    "note": additions.note,
    "report": additions.report,
    "warninglist": additions.warninglist,
    "blocklist": additions.blocklist,
    "known_files": lookups.known_files,
    "enrich": lookups.enrich,
}
ONCE = ("sighting", "note", "report", "enrich")
"""Changes that MISP would take again and again; the same one is made once within the window."""


def make(misp: Misp, change: MispChange, tally: Tally, marks: Marks) -> None:
    """Make the change and fill the tally, also when an exception (Refusal, Stop, the network's) ends it early."""
    _leave_out_loops(change, tally, marks)
    try:
        if tally.left:
            MAKE[change.change](misp, change, tally)
    finally:
        if tally.changed:
            _remember(change, tally, marks)


def _leave_out_loops(change: MispChange, tally: Tally, marks: Marks) -> None:
    hops = {uuid: _hop(change, uuid) for uuid in tally.names} if change.origin else {}
    same = {uuid: _same(change, uuid) for uuid in tally.names} if change.change in ONCE else {}
    counts = marks.count([*hops.values(), *same.values()])
    for uuid, name in hops.items():
        if counts.get(name, 0) >= MOST_HOPS:
            tally.fail(uuid, f"this node changed it {counts[name]} times just now, which looks like a loop")
    repeated = [uuid for uuid, name in same.items() if name in counts]
    if repeated:
        tally.without(repeated)
        tally.notes.append("the same was done a moment ago")


def _remember(change: MispChange, tally: Tally, marks: Marks) -> None:
    try:
        names = [_hop(change, uuid) for uuid in tally.changed] if change.origin else []
        marks.set([*names, *(_same(change, uuid) for uuid in tally.changed if change.change in ONCE)])
    except MarksError as error:  # the change is made: that must be said, whatever the disk thinks
        LOG.warning("%s; a loop would end later", error)


def _hop(change: MispChange, uuid: str) -> str:
    return mark("hop", change.origin, uuid)


def _same(change: MispChange, uuid: str) -> str:
    return mark("same", change.change, uuid, repr(sorted(change.values.items())))
