"""The local runner in debug mode: a finished run as the posts that MISP would make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from misp_workflow.errors import InputError
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.roaming import apply_filters
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules.moduleapi import HttpServer, NoAnswerError
from misp_workflow.runner.walk.records import Run, Step

Told = tuple[str, dict[str, Any]]
"""Path with query, and body."""

TIMEOUT = 10.0
"""Seconds for one post."""

RESULTS = {"error": "partial-success", "disabled": "disabled_module", "unknown": "loading_error"}
"""Outcome of a step -> what MISP calls the result; anything else is a success."""


def posts(done: Run, data: Any) -> Iterator[Told]:
    """Yield what a MISP in debug mode would post of this run, whose trigger was handed `data`."""
    if done.end == "not started" or done.data is None:
        return
    trigger = quote(done.trigger or "unknown", safe="")
    kind = "blocking" if done.blocking else "non-blocking"
    yield _post(f"{trigger}/init", {"type": kind}, None, {"original": wire.as_php(data), "normalized": done.data})
    # Where PHP dies, MISP says nothing of that node, nor of an end.
    for step in done.steps:
        if step.outcome in ("skipped", "crash"):
            continue
        seen = apply_filters(step.data_after, done.around.world.misp) if done.around else step.data_after
        path = f"{trigger}/exec/{quote(step.node.module, safe='')}"
        caught = {"result": "error", "message": step.caught} if step.caught else {}
        yield _post(path, caught or {"result": RESULTS.get(step.outcome, "success")}, step, seen)
    if done.crash:
        return
    nodes = {"blocking_nodes": done.failed, "executed_nodes": done.executed}
    end: dict[str, Any] = {name: [_node(node) for node in listed] for name, listed in nodes.items()}
    end["blocked_paths"] = [[str(edge) for edge in path] for path in done.blocked_paths]
    yield _post(f"{trigger}/end", {"outcome": done.end}, None, end)


def tell(listener: HttpServer, told: Iterator[Told]) -> None:
    """Make the posts, one after the other. InputError when nobody takes them."""
    encoder = wire.Encoder()  # one post mostly tells of the same data as the one before
    for path, body in told:
        try:
            listener.post(path, encoder.encode(body), TIMEOUT)
        except NoAnswerError:
            problem = f"Nothing takes the posts of debug mode at {listener.shown}; misp-workflow debug does."
            raise InputError(problem) from None


def _post(path: str, query: dict[str, str], step: Step | None, data: Any) -> Told:
    source: dict[str, Any] = dict.fromkeys(("node_id", "module_id", "filters", "parameters"), "")
    if step is not None:
        source = {
            "node_id": step.node.id,
            "module_id": step.node.module,
            "filters": step.node.filters,
            "parameters": step.node.params or [],
        }
    body = {"source": source, "timestamp": datetime.now(timezone.utc).isoformat(), "data": data}
    if step is not None and step.errors and not step.caught and step.outcome not in ("disabled", "unknown"):
        body["errors"] = step.errors
    return f"/{path}?{urlencode(query)}", body


def _node(node: Node) -> dict[str, Any]:
    return {"id": node.id, "name": node.module}
