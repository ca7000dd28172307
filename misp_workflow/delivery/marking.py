"""The marking of what MISP sends without one: asked for where the settings name a MISP, else taken as unknown."""

from __future__ import annotations

import dataclasses
import importlib
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from misp_workflow.deadline import may_wait
from misp_workflow.delivery import trial
from misp_workflow.delivery.guard import (
    ClearanceError,
    Found,
    Unsaid,
    completed,
    of_unknown_home,
    unsaid,
    with_event_tags,
)
from misp_workflow.delivery.guard.clear import bound_of
from misp_workflow.errors import WorkflowError
from misp_workflow.event import View, rows, text
from misp_workflow.markings import TLP_LEVELS
from misp_workflow.settings import Destination, Settings

Result = TypeVar("Result")

SHARE = 0.5
"""The part of the time left that MISP gets to say the marking."""
REST = 10.0
"""Seconds for which a MISP that did not answer is not asked again: each call would wait for it in vain."""


class Marked(NamedTuple):
    """Data and selected items with all that is known of their marking, and the destination that judges them.

    `note` says to whoever asked what had to be assumed, "" for nothing.
    """

    data: Any
    selected: Any
    destination: Destination
    note: str = ""


def known(
    data: Any, selected: Any, destination: Destination, rules: Settings, deadline: float, *, pap: bool = False
) -> Marked:
    """Return what is to be judged, with the marking that MISP did not send; `pap`: the node judges by PAP, too.

    Raises ClearanceError when it stays unknown and the destination may not have what it then counts as.
    """
    data = data if destination.local_tags else _told_apart(data, rules, deadline)
    missing = unsaid(data) if destination.tlp != TLP_LEVELS[-1] or destination.pap or pap else None
    if missing is None:
        return Marked(data, selected, destination)
    found = _asked(missing, rules, deadline)
    if isinstance(found, Found):
        data, selected = completed(data, found), completed(selected, found)
        return Marked(with_event_tags(data, found.event) if found.event is not None else data, selected, destination)
    level = destination.unmarked_there or (TLP_LEVELS[-1] if missing.never else "")
    unknown = f"MISP does not send how {missing.what} is marked, and {found}"
    if not level:
        return Marked(data, selected, destination, f"{unknown}: what it sent was judged.")
    counted = f"{unknown}: it counts as TLP:{level.upper()} (unmarked_there)"
    if TLP_LEVELS.index(level) > TLP_LEVELS.index(destination.tlp):
        raise ClearanceError(f"{counted}; {bound_of(destination)}. Nothing was sent.")
    return Marked(data, selected, dataclasses.replace(destination, unmarked=level), f"{counted}.")


def _told_apart(data: Any, rules: Settings, deadline: float) -> Any:
    """Return the data with the tags of the event as MISP has them, local ones marked; as it is where nobody says it."""
    event = "" if rules.misp.missing else of_unknown_home(data)
    found = _asked(Unsaid("an event's tags", False, event=event), rules, deadline) if event else ""
    return with_event_tags(data, found.event) if isinstance(found, Found) and found.event is not None else data


def _of_trial(missing: Unsaid, said: Any) -> Found | str:
    """Return what a trial knows of the event, which asks nobody."""
    event = said.get("Event") if isinstance(said, dict) else None
    if not isinstance(event, dict) or missing.tags or missing.row:
        return "a dry run asks nobody" if missing.askable else Found()
    listed = {text(row.get("uuid")): rows(row.get("Tag")) for row in View({"Event": event}).attributes}
    own = {uuid: listed.get(uuid, []) for uuid in missing.attributes}
    return Found(rows(event.get("Tag")) if missing.event else None, own)


_lock = threading.Lock()
_silent: dict[str, float] = {}
"""By the address of a MISP: when it may be asked again."""


def _asked(missing: Unsaid, rules: Settings, deadline: float) -> Found | str:
    """Return what MISP says, or why it is not known."""
    if not missing.askable and not (missing.never and missing.what.startswith("an event")):
        return "nothing in it names the event"
    if (dry := trial.current()) is not None:
        return _of_trial(missing, dry.read(missing.event))
    if rules.misp.missing:
        return rules.misp.missing
    if not missing.askable:
        return Found()  # an event that is about to be saved, and has no tag yet
    return says(rules, deadline, lambda misp, until: misp.read_tags(missing, rules, until))


def says(rules: Settings, deadline: float, ask: Callable[[Any, float], Result | None]) -> Result | str:
    """Return what MISP says in its share of the time, or why it says nothing, for the middle of a sentence.

    `ask` gets the transport that speaks to MISP and a time of the monotonic clock; None: MISP does not know it.
    """
    if rules.misp.missing:
        return rules.misp.missing
    may_wait()
    with _lock:
        if time.monotonic() < _silent.get(rules.misp.url, 0.0):
            return "MISP did not answer a moment ago"
    misp = importlib.import_module("misp_workflow.delivery.transports.misp")  # PyMISP is loaded by those who need it
    now = time.monotonic()
    try:
        found = ask(misp, now + max(deadline - now, 0.0) * SHARE)
    except WorkflowError as error:
        if getattr(error, "silent", False):
            with _lock:
                _silent[rules.misp.url] = time.monotonic() + REST
        return f"MISP could not be asked ({str(error).rstrip('.')})"
    return "MISP does not know it" if found is None else found
