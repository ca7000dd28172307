"""What tells one call of MISP's from another: what it is about, and the state that this is in.

Two calls that say the same about the same state of the same thing are one repeated; everything else is news, however
much the two texts look alike.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from misp_workflow.event import View, rows, tag_names

_SMALL = frozenset(("log", "post", "user"))
"""Kinds whose whole data says what they are about: an entry's number, a user's fields."""


def about(view: View) -> str:
    """Return a short text that is the same for true repetitions only; `view` reads the data as MISP sent it."""
    kind, event = view.kind, view.event
    if kind in _SMALL:
        told: Any = view.data
    elif not (event.get("id") or event.get("uuid") or event.get("info")):
        return uuid.uuid4().hex  # nothing tells an empty event, or a hover, from the next one
    else:
        told = [_row(event), _touched(view)]
    content = json.dumps([kind, view.data.get("_module"), told], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _touched(view: View) -> list[Any]:
    """Return the rows that a call is about beside its event; a full event is told by its own row."""
    member = {"proposal": "ShadowAttribute", "report": "EventReport"}.get(view.kind, "")
    listed = rows(view.event.get(member)) if member else []
    if len(view.attributes) == 1 and "RelatedEvent" not in view.event:
        listed = view.attributes
    return [[_row(row), [_row(one) for one in rows(row.get("Sighting"))]] for row in listed]


def _row(row: Mapping[str, Any]) -> list[Any]:
    """Return a row's own fields and its tags."""
    own = {name: value for name, value in row.items() if not isinstance(value, (dict, list))}
    return [own, tag_names(row)]
