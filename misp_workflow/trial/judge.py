"""One event through the workflow, dry, and what came of it as a small row that JSON can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow.effects import Effect, MispChange, Parcel, masked
from misp_workflow.errors import WorkflowError
from misp_workflow.event import flag, tag_names, text
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.walk.records import Run, Step
from misp_workflow.runner.walk.walk import run
from misp_workflow.trial.events import Event, handed
from misp_workflow.trial.server import TrialServer

Row = dict[str, Any]

LONGEST = 300
"""Characters of a text in a row."""
MOST_TAGS = 40

INNER = {"run", "watch_until"}
"""Values of a change that say nothing to people."""

APPROVAL = re.compile(r"misp-workflow:")
"""Tags that our own graphs leave for a moment; they say nothing about an event."""


class Judge:
    """Runs one workflow on events, with the actions in these folders."""

    def __init__(self, workflow: Workflow, server: TrialServer, world: World | None = None) -> None:
        self._workflow = workflow
        self._server = server
        self._world = world or World()
        self._handed = handed(workflow.trigger_id or "")
        self._modules = catalogue.load(server, self._world)

    def rows(self, found: Event) -> list[Row]:
        """Return a row for each time that the trigger would have fired for the event."""
        event = found["Event"]
        about = _about(event)
        made = []
        self._server.event = event
        for data in self._handed(event):
            self._server.take()
            try:
                done = run(self._workflow, data, self._server, world=self._world, modules=self._modules)
                made.append({**about, **_came(done, self._server.take())})
            except WorkflowError as error:
                made.append({**about, "end": "crash", "by": "", "why": [_short(str(error))]})
        return made


def _about(event: Mapping[str, Any]) -> Row:
    org = event.get("Orgc") or event.get("Org")
    names = [name for name in tag_names(event, inherited=False) if not APPROVAL.match(name)]
    return {
        "event": text(event.get("uuid")),
        "id": text(event.get("id")),
        "info": _short(text(event.get("info"))),
        "date": text(event.get("date")),
        "org": _short(text(org.get("name"))) if isinstance(org, Mapping) else "",
        "tags": [_short(name) for name in names[:MOST_TAGS]],
        "published": flag(event.get("published")),
    }


def _came(done: Run, parcels: list[Parcel]) -> Row:
    walks = [done, *done.job_runs]
    steps = [step for walk in walks for step in walk.steps]
    stop = done.blocked_by
    crash = next((walk.crash for walk in walks if walk.crash is not None), None)
    why = [done.reason] if done.reason else []
    if stop is not None:
        why = _reasons(stop)
    elif crash is not None:
        why = [str(crash)]
    blocked = done.end in ("blocked", "failure") and done.blocking
    end = "blocked" if blocked else "ended" if done.end in ("blocked", "failure") else done.end
    came = {
        "end": "crash" if crash is not None and done.end == "success" else end,
        "by": _called(stop) if stop is not None else "",
        "why": [_short(one) for one in why],
        "errors": [f"{_called(step)}: {_short(one)}" for step in steps if step is not stop for one in _reasons(step)],
        "messages": [_message(one) for one in parcels if not isinstance(one.effect, MispChange)],
        "changes": list(dict.fromkeys([*_changes(steps), *_own_changes(parcels)])),
        "asks": list(dict.fromkeys(f"{one.kind}: {_short(one.name)}" for step in steps for one in step.effects
                                   if one.kind != "database")),
    }  # fmt: skip
    return {key: value for key, value in came.items() if value}


def _called(step: Step) -> str:
    return f"{step.node.module} ({step.node.id})"


def _reasons(step: Step) -> list[str]:
    """Return each reason by itself; gates give all of theirs in one sentence."""
    found = []
    for error in map(str, step.errors):
        told = re.sub(r"^(Not [a-z ]+|Held): ", "", error.strip())
        found += [part.strip().rstrip(".") for part in told.split("; ") if part.strip()]
    return found


def _message(parcel: Parcel) -> Row:
    effect = parcel.effect
    return {"action": parcel.action, "to": effect.destination or effect.place(), "text": _short(_told(effect))}


def _told(effect: Effect) -> str:
    """Return what a person would read, where the effect says where that stands."""
    shown: Any = masked(effect)
    for name in ("subject", "title", "topic"):
        if isinstance(shown.get(name), str) and shown[name]:
            return str(shown[name])
    for step in effect.digest[0].split(".") if effect.digest else ():
        shown = shown.get(step) if isinstance(shown, Mapping) else None
    return shown if isinstance(shown, str) and shown else effect.label


def _changes(steps: list[Step]) -> Iterator[str]:
    """Say what MISP's own actions would have changed."""
    for step in steps:
        if any(one.family == "Action" for one in step.exchanges):
            continue  # what these would change, they say better themselves
        for effect in step.effects:
            if effect.kind == "database":
                yield f"{_called(step)}: {_short(_said(effect.name, effect.detail))}"


def _said(name: str, detail: Any) -> str:
    last = detail[-1] if isinstance(detail, list) and detail else detail
    if isinstance(last, Mapping) and last.get("tags"):
        verb = "removes" if "detach" in name else "adds"
        return f"{verb} {', '.join(map(str, _as_list(last['tags'])))}"
    if isinstance(last, Mapping):
        return ", ".join(f"{key} {one}" for key, one in last.items() if isinstance(one, (str, int, bool)) and one)
    return name


def _as_list(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else [value]


def _own_changes(parcels: list[Parcel]) -> Iterator[str]:
    """Say what actions of this pack would have changed in MISP."""
    for parcel in parcels:
        if isinstance(parcel.effect, MispChange):
            values = {key: value for key, value in parcel.effect.values.items() if value and key not in INNER}
            where = f"{len(parcel.effect.items)} attributes" if parcel.effect.items else "the event"
            told = ", ".join(key if value is True else f"{key} {_listed(value)}" for key, value in values.items())
            yield f"{parcel.action}: {parcel.effect.change} of {where}: {_short(told)}"


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {one}" for key, one in value.items())
    return str(value)


def _short(words: str) -> str:
    if not words.isprintable():
        words = "".join(c if c.isprintable() else " " for c in words)
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
