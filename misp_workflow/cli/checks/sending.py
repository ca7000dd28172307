"""Send a harmless test message through a destination, the whole way that a real one goes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from misp_workflow.cli.checks.destinations import Params, candidates
from misp_workflow.cli.checks.finding import Finding, error, ok, warning
from misp_workflow.errors import InputError
from misp_workflow.runner.modules.moduleapi import LocalServer, NoAnswerError
from misp_workflow.settings import Destination, Settings

TEXT = "Test message from misp-workflow doctor. Nothing happened, nothing needs to be done."


def send(rules: Settings, name: str, action: str, ours: LocalServer, actions: Mapping[str, Params]) -> list[Finding]:
    """Send the test message to the destination of that name, through `action` or the only one that fits.

    Raises InputError when the destination or the action cannot be used for that.
    """
    place = rules.destination(name)
    if place.list:
        raise InputError(f"“{name}” is a list for devices, which takes no message: misp-workflow list check {name}")
    chosen = action or _only(place, actions)
    if chosen not in actions:
        raise InputError(f"There is no action called {chosen} here.")
    if "message" not in actions[chosen] and "body" not in actions[chosen]:
        raise InputError(f"{chosen} sends no messages: it cannot be tried without doing something.")
    request = {"module": chosen, "data": _event(), "params": {"destination": place.name, "message": TEXT}}
    subject = f"destination {place.name}"
    try:
        reply = ours.query(chosen, json.dumps(request).encode(), rules.answer_within + 2)
    except NoAnswerError as trouble:
        return [error(subject, str(trouble).rstrip("."), "this is a bug: please report it")]
    return [_judged(subject, json.loads(reply.body))]


def _only(place: Destination, actions: Mapping[str, Params]) -> str:
    known = candidates(place, actions)
    fitting = [name for name in known if {"message", "body"} & actions[name].keys()] or known
    if len(fitting) == 1:
        return fitting[0]
    some = f"several actions fit ({', '.join(fitting)})" if fitting else "no action fits its parameters"
    raise InputError(f"Which action shall send to “{place.name}”: {some}. Name one with --action.")


def _event() -> dict[str, Any]:
    """Return an event that any clearance lets pass, with nothing in it; a new one each time, so that it is sent."""
    now = str(int(time.time()))
    return {
        "Event": {
            "info": TEXT,
            "uuid": "00000000-0000-4000-8000-000000000000",
            "timestamp": now,
            "date": time.strftime("%Y-%m-%d"),
            "distribution": "3",
            "analysis": "2",
            "threat_level_id": "4",
            "Tag": [{"name": "tlp:clear"}, {"name": "PAP:CLEAR"}],
            "Attribute": [],
            "Object": [],
            "_AttributeFlattened": [],
        }
    }


def _judged(subject: str, answer: Any) -> Finding:
    if "error" in answer:
        what = f"the test message was not sent: {answer['error']}"
        return error(subject, what.rstrip("."), "mend that, and try again")
    told = answer.get("data")
    status, detail = (told.get("status"), told.get("detail", "")) if isinstance(told, dict) else (None, str(told))
    if status == "delivered":
        return ok(subject, f"the test message was delivered: {detail}".rstrip("."))
    why = detail.removeprefix("Queued, ").rstrip(".")
    return warning(subject, f"the test message is {status}, {why}", "see misp-workflow outbox")
