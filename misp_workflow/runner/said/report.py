"""A finished run as plain data, and as one HTML page with the graph drawn as the editor draws it.

Mirrors nothing of MISP's: MISP keeps a sentence in a log. The page needs no network and no script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from misp_workflow import php
from misp_workflow.effects import mask
from misp_workflow.printable import printable
from misp_workflow.runner.graph.graph import Edge
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.execution import Exchange
from misp_workflow.runner.said.drawing import Drawing, draw, template
from misp_workflow.runner.said.faults import ALLOWED
from misp_workflow.runner.walk.walk import Run, Step, Walk
from misp_workflow.secret_names import is_secret_name

PAGE = Path(__file__).with_name("report.html")

LONGEST = 20_000
"""Characters of one document shown on the page; a whole event of 10,000 attributes helps nobody there."""

OWN_SECRETS = {"webhook": {"url", "headers"}, "ms-teams-webhook": {"url"}, "splunk-hec-export": {"url"}}
"""Parameters of MISP's own modules that can hold a secret though their names do not say so."""

SHORTEST_WORD = 12
"""Letters; words of a secret address or header that are shorter ("services", "Bearer") are none."""

DATA = {"data", "filteredItems", "matchingData"}
"""Members of a request that hold the event: there names tell what is secret, not a node's values."""


def as_data(done: Run) -> dict[str, Any]:
    """Return the run as JSON-ready data: the end, each step with what went in and out, background jobs."""
    told = {
        "workflow": done.workflow.name if done.workflow else None,
        "trigger": done.trigger,
        "blocking": done.blocking,
        **_walk(done),
        "reason": done.reason,
        "notes": remarks(done),
        "jobs": [{"number": job.job.number, "node": job.job.node_id, **_walk(job)} for job in done.job_runs],
    }
    cleaned: dict[str, Any] = without_secrets(told, secrets_of(done))
    return cleaned


def remarks(done: Run) -> list[str]:
    """Return what somebody should know before believing that MISP would do the same."""
    return [*([f"{done.trigger}: {done.doubt}"] if done.doubt else []), *done.notes]


def _walk(walk: Walk) -> dict[str, Any]:
    return {
        "end": walk.end,
        "success": walk.success,
        "blocked_by": walk.blocked_by.node.id if walk.blocked_by else None,
        "crash": {"class": walk.crash.kind, "message": walk.crash.message} if walk.crash else None,
        "errors": list(walk.errors),
        "steps": [_step(step) for step in walk.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "node": step.node.id,
        "module": step.node.module,
        "type": step.node.type,
        "path": [str(edge) for edge in step.path],
        "outcome": step.outcome,
        "why": step.why,
        "doubt": step.doubt,
        "errors": list(step.errors),
        "filters": dict(step.filters),
        "changed_data": step.changed,
        "seconds": round(step.seconds, 6),
        "exchanges": [exchange_data(exchange) for exchange in step.exchanges],
        "effects": [
            {"kind": one.kind, "name": one.name, "detail": one.detail, "deed": one.deed} for one in step.effects
        ],
    }


def exchange_data(exchange: Exchange) -> dict[str, Any]:
    """Return one question to a module and its answer as data, secrets included: see `without_secrets`."""
    return {
        "module": exchange.module,
        "bytes": exchange.size,
        "request": dict(exchange.fields),
        "status": exchange.answer.status if exchange.answer else None,
        "scripted": exchange.answer is not None and exchange.answer.scripted,
        "answer": exchange.result,
        "reading": exchange.reading,
    }


# --- what a report never tells: reports are passed around -------------------------------------------------------------


def secrets_of(done: Run) -> tuple[str, ...]:
    """Return every secret that stands in a node of the workflow."""
    nodes = done.workflow.graph.nodes.values() if done.workflow else ()
    found: set[str] = set()
    for node in nodes:
        module = done.modules.get(node.type, node.module) if done.modules else None
        found.update(secrets_in(node.module, node.params, module))
    return tuple(found)


def secrets_in(name: str, params: Mapping[str, Any], module: Module | None) -> Iterator[str]:
    """Yield the secrets in one node's parameters: what the module declares as such, else what a name gives away."""
    declared = {param.id: param.declared for param in module.params} if module else {}
    for key, value in params.items():
        secret = declared.get(key, {}).get("secret", speaks_of_secret(key) or key in OWN_SECRETS.get(name, ()))
        if secret and isinstance(value, str) and value.strip():
            yield value
            yield from (word for word in re.split(r"[\s/?#&=,;:@]+", value) if len(word) >= SHORTEST_WORD)


def speaks_of_secret(name: str) -> bool:
    """Whether the name of a parameter or field says that its value is not for the reader of a report."""
    return is_secret_name(name) or "webhook" in name.lower()


def without_secrets(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """Return the value with "***" for whatever stands under a name that speaks of a secret, and for the secrets."""
    if isinstance(value, str):
        return mask(value, secrets) if secrets else value
    if isinstance(value, Mapping):
        return {
            key: "***"
            if item and not isinstance(item, bool) and speaks_of_secret(str(key))
            else without_secrets(item, () if key in DATA else secrets)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(item, secrets) for item in value]
    return value


# --- the page --------------------------------------------------------------------------------------------------------


def as_html(done: Run, facts: Mapping[str, str] | None = None) -> str:
    """Return one page that stands alone: the graph with the path lit, and each step with what went in and out.

    `facts` are named texts for its head: the files that were read, the date.
    """
    data = as_data(done)
    first_visits = {step["node"]: place for place, step in reversed(list(enumerate(data["steps"])))}
    page = template(PAGE, document=document).render(
        data=data,
        facts={**_event_of(done), **(facts or {})},
        anchors=first_visits,
        drawing=_drawing(done),
        allowed=ALLOWED.get(str(done.trigger), ""),
    )
    return printable(page)


def _event_of(done: Run) -> dict[str, str]:
    event = php.item(done.data, "Event")
    if not isinstance(event, dict) or "info" not in event:
        return {}
    number = php.to_string(event.get("id") or "")
    told = f"{number}: {php.to_string(event['info'])}" if number else php.to_string(event["info"])
    return {"Event": told, **({"UUID": uuid} if isinstance(uuid := event.get("uuid"), str) and uuid else {})}


def document(value: Any) -> str:
    """Return a value as indented JSON, cut with a mark when it is long."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… (cut: {len(text):,} characters)"


def _drawing(done: Run) -> Drawing:
    start = done.workflow.trigger if done.workflow else None
    outcomes = {start.key: "ok"} if start is not None and done.end != "not started" else {}
    outcomes.update((step.node.key, step.outcome) for step in _all_steps(done))
    nodes = done.workflow.graph.nodes if done.workflow else {}
    return draw(nodes, outcomes, done.blocked_by.node.key if done.blocked_by else None, _taken(done))


def _all_steps(done: Run) -> Iterable[Step]:
    yield from done.steps
    for job in done.job_runs:
        yield from job.steps


def _taken(done: Run) -> set[Edge]:
    taken: set[Edge] = set()
    for step in _all_steps(done):
        if step.outcome != "skipped":
            taken.update(step.path)
    for job in done.job_runs:
        for step in done.steps:
            taken.update(
                edge for edge in step.node.edges() if step.outcome == "queued" and edge.target == str(job.job.node_id)
            )
    return taken
