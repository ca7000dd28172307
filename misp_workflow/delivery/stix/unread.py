"""What of an event misp-stix cannot read: found by asking it for one thing at a time, once it failed at all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from misp_workflow.delivery.stix.normal import Normal

NEEDED = ("uuid", "info", "date", "timestamp", "published", "publish_timestamp", "Orgc", "Tag")
"""What `normal` has written itself: an event of these alone is always read."""

Read = Callable[[Mapping[str, Any]], Any]
"""Makes STIX of an event; an exception of any kind where the library cannot."""


def blamed(made: Normal, read: Read) -> str:
    """Return the member of the event itself that cannot be read, "" when it is none of them."""
    least = {name: made.event[name] for name in NEEDED}
    others = [name for name in made.event if name not in (*NEEDED, "Attribute", "Object")]
    return next((name for name in others if not _reads(read, {**least, name: made.event[name]})), "")


def leave_out(made: Normal, read: Read) -> bool:
    """Take out the attributes and objects that cannot be read, each with its reason; return whether there are any."""
    least = {name: made.event[name] for name in NEEDED}
    before = len(made.left_out)
    for kind in ("Attribute", "Object"):
        kept = []
        for row in made.event[kind]:
            if _reads(read, {**least, kind: [row]}):
                kept.append(row)
            else:
                made.left_out |= {one["uuid"]: _reason(kind, row) for one in row.get("Attribute") or [row]}
        made.event[kind] = kept
    return len(made.left_out) > before


def _reason(kind: str, row: Mapping[str, Any]) -> str:
    what = f"{row['name']} in an object that" if kind == "Object" else f"{row['type']} that"
    return f"{what} misp-stix cannot read: something of it is not as MISP sends it"


def _reads(read: Read, event: Mapping[str, Any]) -> bool:
    try:
        read(event)
    except Exception:  # whatever the library ends with
        return False
    return True
