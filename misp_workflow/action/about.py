"""What tells one call of MISP's from another: what it is about, and the state that this is in.

Two calls that say the same about the same state of the same thing are one repeated; everything else is news, however
much the two texts look alike.

Of a sighting MISP sends the attribute only, and of an attached tag what is tagged: the second sighting of an attribute
looks like the first one repeated. To leave it out would be the worse mistake, for nobody would ever hear of it; to tell
one thing twice is a nuisance. So such calls are one repeated only when every byte is the same and they come in the same
few seconds, as they do when two branches of a workflow lead to one node.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from misp_workflow.event import View, rows, tag_names

_SMALL = frozenset(("log", "post", "user"))
"""Kinds whose whole data says what they are about: an entry's number, a user's fields."""


REPEATED_WITHIN = 5.0
"""Seconds in which two calls whose data does not say what happened are taken for one, when they are the same."""

MOST_REMEMBERED = 10_000
"""Such calls that are held in mind; a server that gets more of them within those seconds tells some of them twice."""


def about(view: View) -> str:
    """Return a short text that is the same for true repetitions only; `view` reads the data as MISP sent it."""
    kind, event = view.kind, view.event
    if kind in _SMALL:
        told: Any = view.data
    elif not (event.get("id") or event.get("uuid") or event.get("info")):
        return uuid.uuid4().hex  # nothing tells an empty event, or a question to one module, from the next one
    else:
        told = [_row(event), _touched(view)]
    return hashlib.sha256(_dumped([kind, view.data.get("_module"), told])).hexdigest()[:32]


def _dumped(told: Any) -> bytes:
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits
        return json.dumps(told, sort_keys=True).encode()


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


class Occasions:
    """What this process heard in the last seconds of calls that look the same whatever happened."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str]] = {}

    def of(self, view: View) -> str:
        """Return "" when the data says what happened, else a text that only true repetitions share."""
        if not _says_too_little(view):
            return ""
        now = self._clock()
        content = json.dumps(view.data, sort_keys=True).encode("utf-8", "surrogatepass")
        same = hashlib.sha256(content).hexdigest()
        with self._lock:
            first, name = self._known.get(same, (now, ""))
            if not name or now - first > REPEATED_WITHIN:
                self._known.pop(same, None)
                first, name = now, uuid.uuid4().hex
                self._known[same] = (first, name)
                while len(self._known) > MOST_REMEMBERED or now - next(iter(self._known.values()))[0] > REPEATED_WITHIN:
                    del self._known[next(iter(self._known))]
            return name


OCCASIONS = Occasions()


def _says_too_little(view: View) -> bool:
    """Whether this may be a sighting or an attached tag: an attribute, or an event, and nothing of what came to it.

    A saved attribute comes with the list of its sightings; a full event with the events that are related to it.
    """
    if view.kind == "attribute":
        return "Sighting" not in view.attributes[0]
    return (
        view.kind == "event" and bool(view.event.get("id")) and not view.attributes and "RelatedEvent" not in view.event
    )
