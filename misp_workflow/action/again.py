"""The same once more: what a destination was told of a thing already, so that it hears only what changed, or nothing.

What is compared is what the message shows: the summary's facts and the event's attributes, or the operator's own text.
It is remembered once MISP hears that the message was delivered or is queued, in the ledger (`delivery/recall.py`), and
without event text: words of MISP's own as they are, everything else as hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import orjson

from misp_workflow.action.answers import Answer
from misp_workflow.action.call import Call
from misp_workflow.action.shared import correlations
from misp_workflow.action.wording.summary import moment
from misp_workflow.deadline import may_wait
from misp_workflow.delivery import recall, trial
from misp_workflow.effects import Receipt
from misp_workflow.event import live, rows, text, uuid_of
from misp_workflow.settings import Destination, Settings
from misp_workflow.words import counted


class Told(Protocol):
    """What a node told a destination before, held against what it would tell now."""

    def nothing_new(self) -> Receipt | None:
        """Return the receipt of telling nothing; None when something is told."""

    def keep(self, answer: Answer) -> None:
        """Remember what was told when MISP hears that it was, or will be."""


PACE = frozenset(("again", "quiet", "digest", "overflow", "delivery", "dry_run", "misp"))
"""Parameters that say nothing of what is told, or whom: an event is the same, whichever MISP tells of it."""
TEXTS = ("title", "subject", "message", "html_body")
"""Parameters with texts of the operator's own."""
PLAIN = (
    *("TLP", "Threat level", "Analysis", "Distribution", "For detection", "Comes from"),
    *("Related events", "Proposals", "Reports", "Sightings so far"),
)
"""Facts that are words out of a few, or numbers: they are remembered as they are."""
BY_ROWS = ("Attributes", "Selected")
"""Facts that the attributes say themselves."""
UUID, CONTENT = 5, 3
"""Bytes of a hash that are kept of an attribute's uuid, and of what it says."""


def memory_of(call: Call, rules: Settings, action: str, place: Destination) -> Told | None:
    """Return what was told of this before, None when the node wants to be told always, or when nothing is sent."""
    params = call.params
    correlating = getattr(params, "about", "") == "correlations"
    if not correlating and getattr(params, "again", "always") == "always":
        return None
    may_wait()  # the ledger is on the disk, and is asked before something is sent, and written after that
    event, thing = uuid_of(call.view.event), "correlations" if correlating else _thing(call)
    if not correlating and (trial.current() is not None or not (event and thing)):
        return None
    given = {name: value for name, value in vars(params).items() if name not in PACE}
    who = _hash(json.dumps([action, place.name, thing, given], default=str, sort_keys=True), 16).hex()
    where = recall.Place(event, who, action)
    return correlations.Memory(call, call.before, rules, place, where) if correlating else Memory(call, rules, where)


def _thing(call: Call) -> str:
    """Return which thing this is about: an event, an attribute, a proposal or a report; "" for what is always news."""
    view = call.view
    if call.hidden or view.kind not in ("event", "attribute", "sighting", "proposal", "report"):
        return ""
    if view.kind == "event":
        return f"event {'RelatedEvent' in view.event}"  # the bare row of an event that was saved shows less of it
    listed = view.event.get({"proposal": "ShadowAttribute", "report": "EventReport"}.get(view.kind, ""))
    row = next(iter(rows(listed) or view.attributes), {})
    return f"attribute {text(row['uuid'])}" if row.get("uuid") else ""


class Memory:
    """What a node told a destination of one thing, held against what it would tell now."""

    def __init__(self, call: Call, rules: Settings, place: recall.Place) -> None:
        self._call = call
        self._rules = rules
        self._place = place
        self._shown = _shown(call)

    def nothing_new(self) -> Receipt | None:
        """Return the receipt of telling nothing; None when something is told, which then says what changed."""
        call = self._call
        known = recall.of(self._rules, self._place, _remembered)
        if known is None or not 0 <= time.time() - known.at < call.params.quiet:
            return None
        since = f"it was told on {moment(int(known.at))}"
        if call.params.again == "never":
            return call.skip(f"Not told again: {since} (again: never).")
        before = known.said
        if before["text"] == self._shown["text"] if self._shown["own"] else before == self._shown:
            return call.skip(f"Not told again: {since}, and what the message shows has not changed (again: changed).")
        changed = [*_changes(before, self._shown)] or ["its text changed"]
        names = [name for name in self._shown["facts"] if before["facts"].get(name) != self._shown["facts"][name]]
        call.tell_changes(", ".join(changed), [name for name in names if name not in PLAIN])
        return None

    def keep(self, answer: Answer) -> None:
        """Remember what was told when MISP hears that it was, or will be."""
        if answer.get("data", {}).get("status") in ("delivered", "queued"):
            recall.keep(self._rules, self._place, orjson.dumps(self._shown).decode())


def _remembered(said: str) -> dict[str, Any]:
    """Return what `_shown` returned; an error of some kind for what somebody else wrote there."""
    found: dict[str, Any] = orjson.loads(said)
    _by_uuid(found["rows"])
    return {"facts": dict(found["facts"]), "rows": found["rows"], "text": found["text"], "own": found["own"]}


def _shown(call: Call) -> dict[str, Any]:
    """Return what the message shows, to be remembered: {"facts": {name: word or hash}, "rows": …, "text": hash}."""
    summary = call.summary
    facts = {"TLP": summary.tlp, "Title": summary.title, **dict(summary.facts)}
    written = [call.render(name) for name in TEXTS if getattr(call.params, name, "")]
    return {
        "facts": {
            name: value if name in PLAIN else _hash(value, 12).hex()
            for name, value in facts.items()
            if name not in BY_ROWS and value
        },
        "rows": base64.b64encode(b"".join(sorted(_row(row) for row in live(call.view.attributes)))).decode(),
        "text": _hash("\0".join(written), 12).hex() if written else "",
        "own": bool(getattr(call.params, "message", "")),
    }


def _row(row: Mapping[str, Any]) -> bytes:
    content = "\0".join(text(row.get(name)) for name in ("type", "category", "value", "to_ids", "comment"))
    return _hash(text(row.get("uuid")), UUID) + _hash(content, CONTENT)


def _hash(told: str, length: int) -> bytes:
    return hashlib.sha256(told.encode("utf-8", "replace")).digest()[:length]


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what changed: "+12 attributes", "TLP amber → green", "tags changed"."""
    old, new = _by_uuid(before["rows"]), _by_uuid(now["rows"])
    added, gone = new.keys() - old.keys(), old.keys() - new.keys()
    corrected = [uuid for uuid in new.keys() & old.keys() if new[uuid] != old[uuid]]
    yield from (f"{sign}{counted(len(some), 'attribute')}" for sign, some in (("+", added), ("−", gone)) if some)
    if corrected:
        yield f"{counted(len(corrected), 'attribute')} corrected"
    for name in _names(before["facts"], now["facts"]):
        was, is_ = before["facts"].get(name, "none"), now["facts"].get(name, "none")
        if was != is_:
            called = name if name.isupper() else name[:1].lower() + name[1:]
            yield f"{called} {was} → {is_}" if name in PLAIN else f"{called} changed"


def _names(before: Iterable[str], now: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*now, *before]))


def _by_uuid(packed: str) -> dict[bytes, bytes]:
    whole = base64.b64decode(packed)
    each = (whole[start : start + UUID + CONTENT] for start in range(0, len(whole), UUID + CONTENT))
    return {one[:UUID]: one[UUID:] for one in each}
