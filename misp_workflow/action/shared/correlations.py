"""What an event correlates with, told to whom it may be, and to each destination once.

Another event is told of by its own marking: MISP is asked, and what it does not say counts as unmarked, but for its
title, which nobody can judge then. An attribute of this event that the destination may not see matches nothing there.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from misp_workflow import web_address
from misp_workflow.action.answers import Answer
from misp_workflow.action.call import Call
from misp_workflow.action.wording import rendering
from misp_workflow.action.wording.summary import excerpt
from misp_workflow.delivery import correlated, guard, recall, trial
from misp_workflow.delivery.correlated import Correlated, Row
from misp_workflow.effects import Receipt
from misp_workflow.event import View, marking, rows, tag_names, text
from misp_workflow.settings import Destination, Settings
from misp_workflow.words import counted

MOST_TOLD = 15
MOST_VALUES = 5
LONGEST_VALUE = 150
SHORT = 8
"""Bytes of a hash that are remembered of an event, and of each of its matches."""
FIELDS = ("id", "uuid", "info", "date", "threat_level_id", "analysis", "distribution", "published", "timestamp")
ATTRIBUTE_FIELDS = ("uuid", "type", "category", "value", "to_ids", "comment")
BY_HIDDEN = "by a withheld attribute"


@dataclass(frozen=True)
class Correlation:
    """Another event, cleared; `attributes` are those of this event that it has, too, as far as that is known."""

    event: Row
    attributes: Sequence[Row]
    link: str

    @property
    def tlp(self) -> str:
        """Its TLP, "" when it has none."""
        return marking(tag_names(self.event), "tlp") or ""

    def as_json(self) -> dict[str, Any]:
        """Return it for templates, and for a request without a body of its own."""
        event = {name: self.event[name] for name in FIELDS if name in self.event}
        return {
            "event": {**event, "Orgc": self.event.get("Orgc") or {}, "tags": tag_names(self.event)},
            "attributes": [{name: row.get(name) for name in ATTRIBUTE_FIELDS} for row in self.attributes],
            "tlp": self.tlp,
            "link": self.link,
        }


class Memory:
    """What a node told a destination of an event's correlations, held against those that there are now."""

    def __init__(
        self, call: Call, before: View, rules: Settings, destination: Destination, place: recall.Place
    ) -> None:
        self._call = call
        self._rules = rules
        self._place = place
        self._destination = _judging(destination)
        self._others = _named(before)
        # As the guard leaves them: of a title nobody knows the marking, unless the settings say what it counts as.
        self._shown = {} if destination.unmarked_there else _named(call.view)
        self._withheld: Counter[str] = Counter()
        self._known: set[bytes] = set()

    def nothing_new(self) -> Receipt | None:
        """Return the receipt of telling nothing; None when the call tells of correlations."""
        call = self._call
        if "RelatedEvent" not in call.view.event:
            return call.skip("MISP sends what an event correlates with for whole events only (on event-publish, say).")
        dry = trial.current() is not None
        asked = Correlated() if dry else self._ask()
        before = None if dry else recall.of(self._rules, self._place, _unpacked)
        self._known = before.said if before else set()
        told = list(self._new(asked))
        note = "; ".join(f"{counted(n, 'correlation')} withheld: {why}" for why, n in sorted(self._withheld.items()))
        if not told:
            return call.skip(f"No correlation that was not told before{f' ({note})' if note else ''}.")
        unknown = [("Matching attributes", f"not known: {asked.why}")] if asked.why else []
        call.tell_correlations(told, _title(call, told), [*_facts(told), *unknown], note)
        return None

    def keep(self, answer: Answer) -> None:
        """Remember what was told when MISP hears that it was, or will be."""
        if answer.get("data", {}).get("status") in ("delivered", "queued"):
            for one in self._call.correlations:
                self._known |= {_mark(one.event), *(_mark(one.event, row) for row in one.attributes)}
            recall.keep(self._rules, self._place, base64.b64encode(b"".join(sorted(self._known))).decode())

    def _ask(self) -> Correlated:
        return correlated.ask(
            text(self._call.view.event.get("id")), self._others.keys(), self._rules, self._call.deadline
        )

    def _new(self, asked: Correlated) -> Iterator[Correlation]:
        """Yield what may be told and was not, the newest event first."""
        ours = {text(row.get("uuid")): row for row in self._call.view.attributes}
        numbers = dict.fromkeys([*self._others, *asked.events])
        for number in sorted(numbers, key=lambda number: (len(number), number), reverse=True):
            matches = (asked.matches or {}).get(number, frozenset())
            visible = [row for uuid, row in ours.items() if uuid in matches]
            named = {**self._others.get(number, {}), **self._shown.get(number, {})}
            event = self._cleared({**named, **asked.events.get(number, {})})
            if event is None:
                continue
            if matches and not visible:
                self._withheld[BY_HIDDEN] += 1
                continue
            fresh = [row for row in visible if _mark(event, row) not in self._known]
            if fresh or _mark(event) not in self._known:
                yield Correlation(event, fresh, self._link(event))

    def _cleared(self, row: dict[str, Any]) -> Row | None:
        """Return another event as the destination may see it, None when it may not."""
        try:
            cleared = guard.admit({"Event": row}, None, self._destination).data["Event"]
        except guard.ClearanceError as error:
            self._withheld[_reason(error)] += 1
            return None
        return cleared if isinstance(cleared, dict) else None

    def _link(self, event: Row) -> str:
        return rendering.live(web_address.event_page(self._rules.misp.url, text(event.get("uuid"))))


def _judging(destination: Destination) -> Destination:
    """Return the destination for events whose marking nobody knows: they count as unmarked."""
    if not destination.unmarked_there:
        return destination
    return dataclasses.replace(destination, unmarked=destination.unmarked_there)


def _named(before: View) -> dict[str, dict[str, Any]]:
    """Return the rows of the events that MISP names, by their number."""
    listed = (one.get("Event", one) for one in rows(before.event.get("RelatedEvent")))
    return {text(row["id"]): row for row in listed if isinstance(row, dict) and text(row.get("id")).isdigit()}


def _reason(error: Exception) -> str:
    """Return what of a refusal is said of several events at once: "TLP:RED"."""
    words = str(error).split("; ")[0].split()
    return next((word for word in reversed(words) if word.startswith(("TLP:", "PAP:"))), "its distribution")


def _mark(event: Row, row: Row | None = None) -> bytes:
    named = text(event.get("uuid")) or text(event.get("id"))
    told = f"{named}\0{text(row.get('uuid'))}" if row is not None else named
    return hashlib.sha256(told.encode("utf-8", "replace")).digest()[:SHORT]


def _unpacked(packed: str) -> set[bytes]:
    whole = base64.b64decode(packed)
    return {whole[start : start + SHORT] for start in range(0, len(whole), SHORT)}


# --- words ------------------------------------------------------------------------------------------------------------


def _title(call: Call, told: list[Correlation]) -> str:
    return f"{call.summary.title}: correlates with {counted(len(told), 'event')}"


def _facts(told: list[Correlation]) -> list[tuple[str, str]]:
    facts = [(f"Event {text(one.event.get('id'))}", _line(one)) for one in told[:MOST_TOLD]]
    more = len(told) - len(facts)
    return [*facts, *([("More", counted(more, "event"))] if more else [])]


def _line(one: Correlation) -> str:
    orgc = one.event.get("Orgc")
    who = text(orgc.get("name")) if isinstance(orgc, dict) else ""
    about = ", ".join(filter(None, [who, text(one.event.get("date")), f"TLP:{one.tlp.upper()}" if one.tlp else ""]))
    line = f"{excerpt(one.event.get('info'))}{f' ({about})' if about else ''}"
    return f"{line}: {_values(one.attributes)}" if one.attributes else line


def _values(attributes: Sequence[Row]) -> str:
    listed = [f"{text(row.get('type'))} {_dead(row)}" for row in attributes[: MOST_VALUES + 1]]
    more = f"; {len(attributes) - MOST_VALUES} more" if len(attributes) > MOST_VALUES else ""
    return "; ".join(listed[:MOST_VALUES]) + more


def _dead(row: Row) -> str:
    """Return an attribute's value for the middle of a text, where a client would not know it for an indicator."""
    from misp_workflow.template.attributes import reading  # the first call loads Jinja, not the server's start
    from misp_workflow.template.defanging import defang_indicator
    from misp_workflow.template.values import Indicator

    value = reading(row, "value")
    short = excerpt(value, LONGEST_VALUE)
    return defang_indicator(short) if isinstance(value, Indicator) else short
