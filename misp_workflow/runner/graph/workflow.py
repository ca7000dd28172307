"""A workflow as MISP exports it. Mirrors the Workflow model's row, and the editor's way of attaching a blueprint.

    {"Workflow": {"id": "1", "name": "…", "trigger_id": "event-publish", "data": {"1": node, …}}}

`data` may be JSON in a string, as it lies in the database; the row may come without its "Workflow", or be the graph
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from misp_workflow import php
from misp_workflow.errors import GraphError, InputError
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.triggers import ADHOC_PREFIX, defaults, find
from misp_workflow.runner.graph.graph import Graph, Node, as_mapping
from misp_workflow.words import whole_number


@dataclass(frozen=True)
class Workflow:
    """A stored workflow: its row and its graph. `listed_for` is the trigger that MISP calls it for, by its row.

    `enabled` is what its row says of itself, which is not what MISP goes by.
    """

    id: Any
    name: str
    graph: Graph
    debug: bool = False
    listed_for: str | None = None
    enabled: bool = True

    @property
    def trigger(self) -> Node | None:
        """The node that starts it; MISP takes the first where there are several."""
        triggers = self.graph.triggers
        return triggers[0] if triggers else None

    @property
    def trigger_id(self) -> str | None:
        return self.trigger.module if self.trigger else None

    @property
    def is_adhoc(self) -> bool:
        """Whether it is run by a person or by another workflow, not by what happens in MISP."""
        return self.trigger is not None and self.trigger.module.startswith(ADHOC_PREFIX)

    def triggered_by(self, trigger: str) -> Workflow:
        """The same workflow under another trigger. Raises GraphError where it has none that could be replaced."""
        node = self.trigger
        if node is None:
            raise GraphError("The workflow has no trigger that could be replaced by another.")
        other = replace(node, module=trigger, params=defaults(trigger))
        nodes = {**self.graph.nodes, node.key: other}
        return replace(self, graph=Graph(nodes), listed_for=trigger)


def load(document: str | bytes | Mapping[str, Any] | list[Any]) -> Workflow:
    """Read a workflow from what MISP exports.

    Raises InputError when it is not JSON, GraphError when it is no workflow.
    """
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
        listed_for=listed if isinstance(listed := row.get("trigger_id"), str) and listed else None,
        enabled="enabled" not in row or php.truthy(row["enabled"]),
    )


def attach_blueprint(to: Workflow | str, blueprint: Mapping[str, Any] | str | bytes) -> Workflow:
    """Put a blueprint behind a workflow's trigger as the editor does; `to` can be a trigger's identifier alone.

    Its nodes get new ids, from the next free one, in their order; its own trigger is left out, and the trigger is
    connected to the nodes without predecessor. Raises GraphError when it is no blueprint of MISP's.
    """
    workflow = to if isinstance(to, Workflow) else Workflow(1, _name(blueprint), Graph.parse({"1": _trigger_node(to)}))
    trigger = workflow.trigger
    if trigger is None:
        raise GraphError("The workflow has no trigger to attach a blueprint to.")
    nodes = [node for node in _blueprint_nodes(blueprint) if node["data"]["module_type"] != "trigger"]
    first = max(filter(None, map(whole_number, workflow.graph.nodes)), default=0) + 1
    keys = {str(node.get("id")): str(first + position) for position, node in enumerate(nodes)}
    stored = {key: dict(node.raw) for key, node in workflow.graph.nodes.items()}
    stored.update({keys[str(node.get("id"))]: _renumbered(node, keys) for node in nodes})
    reached = {edge.target for node in Graph.parse(stored).nodes.values() for edge in node.edges()}
    starts = [key for key in keys.values() if key not in reached]
    stored[trigger.key] = _connected(stored[trigger.key], starts)
    return replace(workflow, graph=Graph.parse(stored))


def _trigger_node(trigger: str) -> dict[str, Any]:
    known = find(trigger)
    data = {
        "id": trigger,
        "name": trigger,
        "module_type": "trigger",
        "misp_core_format": known is not None and known.core_format,
        "indexed_params": defaults(trigger),
        "saved_filters": {},
    }
    return {"id": 1, "name": trigger, "data": data, "inputs": {}, "outputs": {}, "pos_x": 0, "pos_y": 0}


def _blueprint(document: Mapping[str, Any] | str | bytes) -> Mapping[str, Any]:
    exported = _decoded(document, "The blueprint")
    row = exported.get("WorkflowBlueprint", exported) if isinstance(exported, Mapping) else None
    if not isinstance(row, Mapping) or "data" not in row:
        raise GraphError('This is no blueprint. MISP exports {"WorkflowBlueprint": {…, "data": [node, …]}}.')
    return row


def _name(document: Mapping[str, Any] | str | bytes) -> str:
    return str(_blueprint(document).get("name") or "unnamed")


def _blueprint_nodes(document: Mapping[str, Any] | str | bytes) -> list[Mapping[str, Any]]:
    stored = _blueprint(document)["data"]
    if isinstance(stored, str):
        stored = _decoded(stored, "The graph inside the blueprint")
    nodes = list(stored.values()) if isinstance(stored, Mapping) else stored
    if not isinstance(nodes, list) or not nodes or not all(_is_node(node) for node in nodes):
        raise GraphError("The blueprint's data is no list of nodes.")
    return nodes


def _renumbered(node: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """The node under its new id, with connections to nodes of the blueprint only."""
    new = {**node, "id": int(keys[str(node.get("id"))])}
    for side in ("inputs", "outputs"):
        new[side] = {
            name: {
                "connections": [
                    {**connection, "node": keys[str(connection["node"])]}
                    for connection in (port.get("connections") if isinstance(port, Mapping) else None) or []
                    if isinstance(connection, Mapping) and str(connection.get("node")) in keys
                ]
            }
            for name, port in as_mapping(node.get(side)).items()
        }
    return new


def _connected(trigger: Mapping[str, Any], targets: list[str]) -> dict[str, Any]:
    outputs = dict(as_mapping(trigger.get("outputs")))
    port = as_mapping(outputs.get("output_1"))
    present = port.get("connections")
    added = [{"node": target, "output": "input_1"} for target in targets]
    outputs["output_1"] = {**port, "connections": [*(present if isinstance(present, list) else []), *added]}
    return {**trigger, "outputs": outputs}


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
    if isinstance(exported, list) and exported and all(_is_node(node) for node in exported):
        return {"data": {str(node.get("id")): node for node in exported}}
    raise GraphError(
        'This is no workflow. MISP exports {"Workflow": {…, "data": {…}}}; the graph alone, {"1": {"id": 1, …}, …}, is '
        "read too."
    )


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("data"), Mapping) and "module_type" in value["data"]


def _number(value: Any) -> Any:
    number = whole_number(value) if isinstance(value, str) else None
    return value if number is None else number
