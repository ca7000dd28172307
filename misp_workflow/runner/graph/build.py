"""Write a workflow as MISP's editor exports it, from a few lines of Python; for examples and tests.

    workflow("Tell the SOC", "event-publish", {
        2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:green"]}),
        3: ("slack_message", {"destination": "soc-chat"}),
    }, [(1, 2), (2, 3)])

Mirrors the drawflow document that MISP stores in Workflow.data.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from misp_workflow.runner.data.triggers import find

Node = tuple[str, Mapping[str, Any]] | tuple[str, Mapping[str, Any], Mapping[str, str]]
Edge = tuple[int, int] | tuple[int, int, int]

"""(from, to), or (from, to, output): output 2 is an IF's else path, or a concurrent task's second branch."""
Link = tuple[int, int, int]

LOGIC = {
    "if", "tag-if", "count-if", "distribution-if", "organisation-if", "published-if", "threat-level-if",
    "generic-if", "generic-filter-data", "generic-filter-reset", "concurrent-task", "parallel-task",
    "filter-tag", "filter-timestamp", "aggregate_comparator_if",
}  # fmt: skip
NO_FILTER = {"selector": "", "value": "", "operator": "", "path": ""}

WIDTH = 332
"""Pixels of a node, as measured in the editor of MISP 2.5.1, without its frame."""
HEAD, FIELD, TEXT_FIELD = 134, 65, 105
"""Pixels, at most: what a node has above its parameters, each of these, and each with room for several lines."""
UNKNOWN = 900
"""Pixels kept free for a node of which nobody says what parameters it has."""
LONGEST_TEXT = 191
"""Characters of a name or description in MISP 2.5's database; a longer one is an internal error there."""
GAP = 60
"""Pixels between nodes."""

Height = Callable[[str], int]
"""From a module's id to the pixels that its node is high."""


def drawn_height(config: Mapping[str, Any]) -> int:
    """Return how high MISP's editor draws the node of a module at most, in pixels, from what MISP lists of it."""
    return HEAD + sum(TEXT_FIELD if one.get("type") == "textarea" else FIELD for one in config.get("params") or ())


def workflow(
    name: str,
    trigger: str,
    nodes: Mapping[int, Node],
    edges: Iterable[Edge],
    note: str = "",
    height: Height = lambda module: UNKNOWN,
) -> dict[str, Any]:
    """Return {"Workflow": {…, "data": {"1": trigger node, …}}}; node 1 is the trigger, the others are numbered by you.

    A node is (module id, parameters) or (module id, parameters, filter). `height` says how high each is drawn.
    """
    links = [(edge[0], edge[1], edge[2] if len(edge) == 3 else 1) for edge in edges]
    places = _places(links, {1: HEAD, **{key: height(node[0]) for key, node in nodes.items()}})
    everything: dict[int, Node] = {1: (trigger, {}), **nodes}
    links_of: dict[int, list[Link]] = {}
    for link in links:
        for key in {link[0], link[1]}:
            links_of.setdefault(key, []).append(link)
    data = {
        str(key): _node(key, node, key == 1, links_of.get(key, []), places.get(key, (0, 0)))
        for key, node in everything.items()
    }
    return {"Workflow": {"name": name, "description": note, "trigger_id": trigger, "enabled": True, "data": data}}


def as_blueprint(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow as a blueprint, {"WorkflowBlueprint": {…, "data": [node, …]}}: without its trigger.

    That is what MISP's interface can import (Workflows, Blueprints); it is then dragged behind a trigger.
    """
    row = document["Workflow"]
    kept = [node for node in row["data"].values() if node["data"]["module_type"] != "trigger"]
    keys = {str(node["id"]) for node in kept}
    return {
        "WorkflowBlueprint": {
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"blueprint/{row['name']}")),
            "name": row["name"][:LONGEST_TEXT],
            "description": f"For {row['trigger_id']}. {row['description']}"[:LONGEST_TEXT],
            "timestamp": "1764547200",
            "data": [{**node, "inputs": _within(node["inputs"], keys)} for node in kept],
        }
    }


def _within(ports: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """The ports of a node with the connections to these nodes only."""
    return {
        name: {"connections": [one for one in port["connections"] if one["node"] in keys]}
        for name, port in ports.items()
    }


def _node(key: int, node: Node, first: bool, links: list[Link], place: tuple[int, int]) -> dict[str, Any]:
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
            **({"misp_core_format": known.core_format} if (known := find(module)) else {}),
        },
        "class": f"block-type-{kind}",
        "typenode": False,
        "inputs": {} if first else {"input_1": {"connections": inputs}},
        "outputs": outputs,
        "pos_x": place[0],
        "pos_y": place[1],
    }


def _places(links: list[Link], heights: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return where to draw each node: a column per step from the trigger, one below the other in its column."""
    column = {1: 0}
    changed = True
    for _ in links:
        if not changed:
            break
        before, changed = dict(column), False
        for start, end, _port in links:
            if start in column:
                column[end] = max(column.get(end, 0), min(column[start] + 1, len(links)))
        changed = column != before
    free: dict[int, int] = {}
    places = {}
    for key in sorted(column):
        top = free.get(column[key], GAP)
        places[key] = (GAP + column[key] * (WIDTH + GAP), top)
        free[column[key]] = top + heights.get(key, UNKNOWN) + GAP
    return places
