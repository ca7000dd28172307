"""What a gate does with rules: judge a call by the node's own parameters and by the rule file that it names."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.rules.book import judge, rules_named
from misp_workflow.action.rules.checks import in_domains, reasons
from misp_workflow.action.rules.subject import Subject
from misp_workflow.action.rules.table import EVENT, EVENT_ROW, RULES
from misp_workflow.delivery import guard, transports
from misp_workflow.delivery.guard import addresses
from misp_workflow.errors import ParameterError, WorkflowError
from misp_workflow.event import View, live, text, uuid_of

LEFT_OUT = "MISP sent neither its tags nor its content here, as it does just after a save, so nothing can be judged"
MOST_NAMED = 5
_MASK = re.compile(r"255(?:\.\d+){3}")
"""What follows a network as older devices write it: 10.0.0.0 255.0.0.0."""
SHARE = 0.6
"""The part of a gate's time after which no further rule is begun: a condition may take about a second."""


def decide(call: Call, is_change: bool = False) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return every reason to say no, and the notes of rules that only warn.

    `is_change`: the event is in MISP already, and only what changes is judged, which MISP is asked for where a rule
    would say no. Raises InputError for what cannot be decided, which a gate answers as a no.
    """
    if not is_change and _judges_more(call.params) and _is_left_out(call.judged):
        return (LEFT_OUT,), ()
    before = cache(partial(_stored, call)) if is_change else None
    own = reasons(call.params, Subject(call.judged, lambda _: call.holds("condition"), before))
    book, now = rules_named(getattr(call.params, "rules", "")), time.monotonic()
    verdicts = judge(book, Subject(call.judged, call.is_true, before), now + (call.deadline - now) * SHARE)
    blocking = [told for verdict in verdicts if verdict.rule.blocks for told in verdict.reasons]
    warnings = [f"Warning: {told}." for verdict in verdicts if not verdict.rule.blocks for told in verdict.reasons]
    return (*own, *blocking), tuple(warnings)


def _judges_more(params: Params) -> bool:
    """Whether a rule is set that needs more than the event's own row."""
    return any(getattr(params, name, None) for name in (*EVENT, *RULES) if name not in (*EVENT_ROW, "tag_scope"))


def _is_left_out(view: View) -> bool:
    """Whether this is an event of which MISP sends the bare row: that would keep every rule against something."""
    missing = guard.unsaid(view.data) if view.kind == "event" and "Attribute" not in view.event else None
    return missing is not None and bool(missing.event)


def _stored(call: Call) -> dict[str, Any] | None:
    """Return the row that MISP has of the event before this change, None where it cannot be asked."""
    reference = uuid_of(call.judged.event)
    if not reference:
        return None
    try:
        found = transports.read_event(reference, call.settings, call.deadline - 0.2, row_only=True).get("Event")
    except WorkflowError:
        return None
    return found if isinstance(found, dict) else None


def known_view(call: Call) -> View:
    """Return what the call is about; when MISP only named the event, what MISP says of it on being asked.

    Raises DeliveryError when it cannot be asked.
    """
    reference = text(call.view.event.get("uuid")) or text(call.view.event.get("id"))
    if call.view.attributes or not reference.replace("-", "").isalnum():
        return call.view
    found = transports.read_event(reference, call.settings, min(call.deadline, time.monotonic() + 10) - 0.2)
    return View(guard.scrub(found))


def says_nothing(view: View) -> bool:
    """Whether MISP left out what this is about, as it does where one module is asked."""
    return not (view.attributes or view.event.get("id") or view.event.get("info"))


def own_values(view: View, domains: tuple[str, ...], networks: tuple[str, ...]) -> Iterator[str]:
    """Yield a reason when values of the event belong to the operator's own domains or networks."""
    ours = addresses.Ranges(map(_network, networks))
    own = [text(row.get("value")) for row in live(view.attributes) if _is_own(row, domains, ours)]
    if own:
        named = ", ".join(value[:60] for value in own[:MOST_NAMED])
        more = f" and {len(own) - MOST_NAMED} more" if len(own) > MOST_NAMED else ""
        yield f"{named}{more} {'is' if len(own) == 1 else 'are'} our own"


def _is_own(row: dict[str, Any], domains: tuple[str, ...], ours: addresses.Ranges) -> bool:
    return any(in_domains(f"@{host}", domains) for host in addresses.hosts(row)) or any(
        map(ours.meets, addresses.networks(row))
    )


def _network(name: str) -> addresses.Network:
    found = addresses.read_network(name)
    if found is None or _MASK.fullmatch(name):
        raise ParameterError(f"Parameter 'own_networks': '{name}' is no network, such as 192.0.2.0/24.")
    return found
