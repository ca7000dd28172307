"""What MISP knows of the events that an event correlates with: how they are marked, and which attributes match."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.delivery import marking
from misp_workflow.event import rows, text
from misp_workflow.settings import Settings

MOST_ASKED = 500
"""Events whose marking is asked for; of more than these nobody reads a message."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Correlated:
    """`events` are MISP's rows of the other events by their number here, tags included.

    `matches` are the uuids of this event's attributes by the number of the event that has them, too; None: not known.
    `why` says why these are not known, for the middle of a sentence.
    """

    events: Mapping[str, Row] = field(default_factory=dict)
    matches: Mapping[str, frozenset[str]] | None = None
    why: str = ""


def ask(event: str, named: Collection[str], rules: Settings, deadline: float) -> Correlated:
    """Ask MISP about the event of this number; `named` are the numbers of those that it is known to correlate with."""
    found = marking.says(
        rules, deadline, lambda misp, until: misp.reading(lambda it: _matches(it, event), rules, until)
    )
    matches, why = (None, found) if isinstance(found, str) else (found, "")
    wanted = sorted({*named, *(matches or ())}, key=lambda number: (len(number), number), reverse=True)[:MOST_ASKED]
    if not wanted:
        return Correlated(matches=matches, why=why)
    known = marking.says(
        rules, deadline, lambda misp, until: misp.reading(lambda it: _events(it, wanted), rules, until)
    )
    return Correlated({} if isinstance(known, str) else known, matches, why)


def _matches(misp: Any, event: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    if not event.isdigit():
        return {}
    for row in rows(misp.search("attributes", eventid=event, include_correlations=True).get("Attribute")):
        for other in rows(row.get("RelatedAttribute")):
            number = text(other.get("event_id"))
            if number and number != event:
                found.setdefault(number, set()).add(text(row.get("uuid")))
    return {number: frozenset(uuids) for number, uuids in found.items()}


def _events(misp: Any, numbers: list[str]) -> dict[str, Row]:
    listed = misp.search("events", metadata=True, eventid=numbers)
    return {text(row.get("id")): row for row in _rows(listed)}


def _rows(listed: Any) -> Iterator[Row]:
    return (one["Event"] for one in rows(listed) if isinstance(one.get("Event"), dict))
