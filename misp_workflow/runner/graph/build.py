"""Write a workflow as MISP's editor exports it, from a few lines of Python; for examples and tests.

    workflow("Tell the SOC", "event-publish", {
        2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:green"]}),
        3: ("slack_message", {"destination": "soc-chat"}),
    }, [(1, 2), (2, 3)])

Mirrors the drawflow document that MISP stores in Workflow.data.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from misp_workflow.runner.data.triggers import TRIGGERS

Node = tuple[str, Mapping[str, Any]] | tuple[str, Mapping[str, Any], Mapping[str, str]]
Edge = tuple[int, int] | tuple[int, int, int]
"""(from, to), or (from, to, output): output 2 is an IF's else path, or a concurrent task's second branch."""

LOGIC = {
    "if", "tag-if", "count-if", "distribution-if", "organisation-if", "published-if", "threat-level-if",
    "generic-if", "generic-filter-data", "generic-filter-reset", "concurrent-task", "parallel-task",
}  # fmt: skip
NO_FILTER = {"selector": "", "value": "", "operator": "", "path": ""}
COLUMN, ROW = 320, 160
"""Pixels between nodes, as the editor draws them."""


def workflow(
    name: str, trigger: str, nodes: Mapping[int, Node], edges: Iterable[Edge], note: str = ""
) -> dict[str, Any]:
    """Return {"Workflow": {…, "data": {"1": trigger node, …}}}; node 1 is the trigger, the others are numbered by you.

    A node is (module id, parameters) or (module id, parameters, filter).
    """
    links = [(edge[0], edge[1], edge[2] if len(edge) == 3 else 1) for edge in edges]
    places = _places(links)
    everything: dict[int, Node] = {1: (trigger, {}), **nodes}
    data = {str(key): _node(key, node, key == 1, links, places.get(key, (0, 0))) for key, node in everything.items()}
    return {"Workflow": {"name": name, "description": note, "trigger_id": trigger, "enabled": True, "data": data}}


def _node(
    key: int, node: Node, first: bool, links: list[tuple[int, int, int]], place: tuple[int, int]
) -> dict[str, Any]:
    module, params = node[0], dict(node[1])
    kind = "trigger" if first else "logic" if module in LOGIC else "action"
    outputs: dict[str, Any] = {"output_1": {"connections": []}}
    for start, end, port in links:
        if start == key:
            connections = outputs.setdefault(f"output_{port}", {"connections": []})["connections"]
            connections.append({"node": str(end), "output": "input_1"})
    inputs = [{"node": str(start), "input": f"output_{port}"} for start, end, port in links if end == key]
    return {
        "id": key,
        "name": module,
        "data": {
            "node_uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key}/{module}")),
            "params": [],
            "indexed_params": params,
            "saved_filters": dict(node[2]) if len(node) == 3 else dict(NO_FILTER),
            "module_type": kind,
            "id": module,
            "name": module,
            "multiple_output_connection": module == "concurrent-task",
            "module_version": "0.1",
            # The editor writes it when a trigger is placed; without it reload-full-event reloads nothing.
            **({"misp_core_format": TRIGGERS[module].core_format} if module in TRIGGERS else {}),
        },
        "class": f"block-type-{kind}",
        "typenode": False,
        "inputs": {} if first else {"input_1": {"connections": inputs}},
        "outputs": outputs,
        "pos_x": place[0],
        "pos_y": place[1],
    }


def _places(links: list[tuple[int, int, int]]) -> dict[int, tuple[int, int]]:
    """Return where to draw each node: a column per step from the trigger, a row per node in its column."""
    column = {1: 0}
    for _ in links:
        for start, end, _port in links:
            if start in column:
                column[end] = max(column.get(end, 0), min(column[start] + 1, len(links)))
    rows_used: dict[int, int] = {}
    places = {}
    for key in sorted(column):
        row = rows_used.get(column[key], 0)
        rows_used[column[key]] = row + 1
        places[key] = (60 + column[key] * COLUMN, 80 + row * ROW)
    return places
