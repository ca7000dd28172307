"""A finished run as plain data, and as one HTML page with the graph drawn as the editor draws it.

Mirrors nothing of MISP's: MISP keeps a sentence in a log. The page needs no network and no script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from misp_workflow import php
from misp_workflow.effects import mask
from misp_workflow.printable import printable
from misp_workflow.runner.graph.graph import Edge, Node
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.execution import Exchange
from misp_workflow.runner.walk.walk import Run, Step, Walk
from misp_workflow.secret_names import is_secret_name

LONGEST = 20_000
"""Characters of one document shown on the page; a whole event of 10,000 attributes helps nobody there."""

OWN_SECRETS = {"webhook": {"url", "headers"}, "ms-teams-webhook": {"url"}, "splunk-hec-export": {"url"}}
"""Parameters of MISP's own modules that can hold a secret though their names do not say so."""

SHORTEST_WORD = 12
"""Letters; words of a secret address or header that are shorter ("services", "Bearer") are none."""

DATA = {"data", "filteredItems", "matchingData"}
"""Members of a request that hold the event: there names tell what is secret, not a node's values."""

BOX_WIDTH, BOX_HEIGHT, MARGIN = 210, 64, 40
"""Pixels of a node and around the drawing; the editor's nodes are a little larger."""


def as_data(done: Run) -> dict[str, Any]:
    """Return the run as JSON-ready data: the end, each step with what went in and out, background jobs."""
    told = {
        "workflow": done.workflow.name if done.workflow else None,
        "trigger": done.trigger,
        "blocking": done.blocking,
        **_walk(done),
        "reason": done.reason,
        "jobs": [{"number": job.job.number, "node": job.job.node_id, **_walk(job)} for job in done.job_runs],
    }
    cleaned: dict[str, Any] = without_secrets(told, secrets_of(done))
    return cleaned


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
        "effects": [{"kind": one.kind, "name": one.name, "detail": one.detail} for one in step.effects],
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


@dataclass(frozen=True)
class Box:
    """A node as it is drawn: where, what became of it ("" when the run never came there), and whether it blocked."""

    node: Node
    x: float
    y: float
    outcome: str
    blocked: bool = False

    @property
    def anchor(self) -> str:
        """Where on the page the node's first step stands."""
        return f"node-{self.node.id}"

    @property
    def decides(self) -> bool:
        """Whether its outputs are a then and an else."""
        return self.node.type == "logic" and self.node.module.endswith(("-if", "_if", "if"))


@dataclass(frozen=True)
class Line:
    """A connection as it is drawn: an SVG path, whether the run took it, its output, and the label there."""

    path: str
    taken: bool
    other: bool
    label: str
    x: float
    y: float


def as_html(done: Run, facts: Mapping[str, str] | None = None) -> str:
    """Return one page that stands alone: the graph with the path lit, and each step with what went in and out.

    `facts` are named texts for its head: the files that were read, the date.
    """
    boxes = _boxes(done)
    width = max((box.x for box in boxes.values()), default=0) + BOX_WIDTH + MARGIN
    height = max((box.y for box in boxes.values()), default=0) + BOX_HEIGHT + MARGIN
    data = as_data(done)
    first_visits = {step["node"]: place for place, step in reversed(list(enumerate(data["steps"])))}
    page = _page().render(
        data=data,
        facts={**_event_of(done), **(facts or {})},
        anchors=first_visits,
        boxes=list(boxes.values()),
        lines=_lines(done, boxes),
        width=round(width),
        height=round(height),
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
    )
    return printable(page)


def _event_of(done: Run) -> dict[str, str]:
    event = php.item(done.data, "Event")
    if not isinstance(event, dict) or "info" not in event:
        return {}
    number = php.to_string(event.get("id") or "")
    told = f"{number}: {php.to_string(event['info'])}" if number else php.to_string(event["info"])
    return {"Event": told, **({"UUID": uuid} if isinstance(uuid := event.get("uuid"), str) and uuid else {})}


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["document"] = document
    return environment.from_string(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))


def document(value: Any) -> str:
    """Return a value as indented JSON, cut with a mark when it is long."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… (cut: {len(text):,} characters)"


def _boxes(done: Run) -> dict[str, Box]:
    nodes = done.workflow.graph.nodes if done.workflow else {}
    places = _places(nodes.values())
    outcomes: dict[str, str] = {}
    for step in _all_steps(done):
        outcomes[step.node.key] = step.outcome
    start = done.workflow.trigger if done.workflow else None
    if start is not None and done.end != "not started":
        outcomes.setdefault(start.key, "ok")
    blocking = done.blocked_by.node.key if done.blocked_by else None
    return {key: Box(node, *places[key], outcomes.get(key, ""), key == blocking) for key, node in nodes.items()}


def _places(nodes: Iterable[Node]) -> dict[str, tuple[float, float]]:
    """Return the editor's places moved to the page's corner; nodes without one of their own in a row."""
    listed = list(nodes)
    places = [node.position for node in listed]
    if len(set(places)) < len(places):
        places = [(index * (BOX_WIDTH + 60.0), (index % 3) * 30.0) for index in range(len(listed))]
    left = min((x for x, _ in places), default=0)
    top = min((y for _, y in places), default=0)
    return {node.key: (x - left + MARGIN, y - top + MARGIN) for node, (x, y) in zip(listed, places, strict=True)}


def _all_steps(done: Run) -> Iterable[Step]:
    yield from done.steps
    for job in done.job_runs:
        yield from job.steps


def _lines(done: Run, boxes: dict[str, Box]) -> list[Line]:
    taken: set[Edge] = set()
    for step in _all_steps(done):
        if step.outcome != "skipped":
            taken.update(step.path)
    for job in done.job_runs:
        for step in done.steps:
            taken.update(
                edge for edge in step.node.edges() if step.outcome == "queued" and edge.target == str(job.job.node_id)
            )
    lines = []
    for box in boxes.values():
        for edge in box.node.edges():
            if target := boxes.get(edge.target):
                lines.append(_line(box, target, edge.output == "output_2", edge in taken))
    return lines


def _line(start: Box, end: Box, second: bool, taken: bool) -> Line:
    x, y = start.x + BOX_WIDTH, start.y + BOX_HEIGHT * (0.72 if second else 0.4)
    label = ("else" if second else "then") if start.decides else ""
    return Line(_curve(x, y, end), taken, second, label, x + 8, y + (16 if second else -7))


def _curve(x1: float, y1: float, end: Box) -> str:
    x2, y2 = end.x, end.y + BOX_HEIGHT / 2
    bend = max(40.0, abs(x2 - x1) / 2)
    return f"M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
