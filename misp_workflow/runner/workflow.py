"""A workflow as MISP exports it. Mirrors the Workflow model's row, and the editor's way of attaching a blueprint.

    {"Workflow": {"id": "1", "name": "…", "trigger_id": "event-publish", "debug_enabled": false, "data": {"1": node, …}}}

`data` may be JSON in a string, as it lies in the database; the row may come without its "Workflow", or be the graph alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from misp_workflow import php
from misp_workflow.errors import GraphError, InputError
from misp_workflow.runner import wire
from misp_workflow.runner.graph import Graph, Node


@dataclass(frozen=True)
class Workflow:
    """A stored workflow: its row and its graph."""

    id: Any
    name: str
    graph: Graph
    debug: bool = False

    @property
    def trigger(self) -> Node | None:
        """The node that starts it; MISP takes the first where there are several."""
        triggers = self.graph.triggers
        return triggers[0] if triggers else None

    @property
    def trigger_id(self) -> str | None:
        return self.trigger.module if self.trigger else None

    def triggered_by(self, trigger: str) -> Workflow:
        """The same workflow under another trigger. Raises GraphError where it has none that could be replaced."""
        node = self.trigger
        if node is None:
            raise GraphError("The workflow has no trigger that could be replaced by another.")
        nodes = {**self.graph.nodes, node.key: replace(node, module=trigger)}
        return replace(self, graph=Graph(nodes))


def load(document: str | bytes | Mapping[str, Any] | list[Any]) -> Workflow:
    """Read a workflow from what MISP exports. Raises InputError when it is not JSON, GraphError when it is no workflow."""
    exported = _decoded(document, "The workflow")
    row = _row(exported)
    stored = row.get("data")
    if isinstance(stored, str):
        stored = _decoded(stored, "The graph inside the workflow")
    graph = Graph.parse(stored)
    if not graph.nodes:
        raise GraphError("The workflow has no nodes. Export it with its graph, not from the index.")
    return Workflow(
        id=_number(row.get("id")),
        name=str(row.get("name") or "unnamed"),
        graph=graph,
        debug=php.truthy(row.get("debug_enabled")),
    )


def _decoded(document: str | bytes | Mapping[str, Any] | list[Any], what: str) -> Any:
    if isinstance(document, str):
        document = document.encode("utf-8", "surrogatepass")
    if not isinstance(document, bytes):
        return document
    try:
        return wire.decode(document)
    except InputError as error:
        raise InputError(f"{what} cannot be read: {error}") from error


def _row(exported: Any) -> Mapping[str, Any]:
    if isinstance(exported, list) and exported and isinstance(exported[0], Mapping) and "Workflow" in exported[0]:
        if len(exported) > 1:
            raise GraphError(f"The file holds {len(exported)} workflows; export the one to run.")
        exported = exported[0]
    if isinstance(exported, Mapping):
        row = exported.get("Workflow", exported)
        if isinstance(row, Mapping):
            if "data" in row and not _is_node(row):
                return row
            if "WorkflowBlueprint" in row:
                raise GraphError("This is a blueprint. Attach it to a trigger to make a workflow of it.")
            if any(_is_node(node) for node in row.values()):
                return {"data": row}
    if isinstance(exported, list) and any(_is_node(node) for node in exported):
        return {"data": exported}
    raise GraphError(
        'This is no workflow. MISP exports {"Workflow": {…, "data": {…}}}; the graph alone, {"1": {"id": 1, "data": …}}, '
        "is read too."
    )


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("data"), Mapping) and "module_type" in value["data"]


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value
