"""A workflow as a file that people read and git compares: what MISP counts or dates is left out, the order is fixed.

    {"Workflow": {"name": …, "description": …, "trigger_id": …, "debug_enabled": false, "data": {"1": node, …}}}

Other members beside "Workflow" are the file's own ("checks": what `push` shall try first).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from misp_workflow import given, php
from misp_workflow.errors import GraphError, InputError
from misp_workflow.runner.data import wire
from misp_workflow.runner.graph.graph import Graph, Node
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.words import whole_number

NODE_ORDER = ("id", "name", "class", "typenode", "pos_x", "pos_y", "data", "inputs", "outputs")
DATA_ORDER = ("id", "name", "module_type", "indexed_params", "saved_filters")
MOST_LEVELS = 100
"""How deep a graph may nest; what MISP's editor makes has eight levels."""


@dataclass(frozen=True)
class Content:
    """What of a workflow is code: what a push writes and a pull reads."""

    trigger: str
    name: str
    description: str
    debug: bool
    graph: Mapping[str, Any]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Content:
        """Read MISP's row, or the file's "Workflow"; the graph may be JSON in a text.

        GraphError for one that nests so deep that no editor made it.
        """
        graph = row.get("data")
        if isinstance(graph, str):
            try:
                graph = orjson.loads(graph)
            except ValueError:
                graph = {}
        if wire.depth(graph) > MOST_LEVELS:
            raise GraphError(f"The graph of the workflow “{row.get('name')}” nests deeper than {MOST_LEVELS} levels.")
        if isinstance(graph, list):
            graph = {str(place): node for place, node in enumerate(graph)}
        return cls(
            trigger=str(row.get("trigger_id") or ""),
            name=str(row.get("name") or ""),
            description=str(row.get("description") or ""),
            debug=php.truthy(row.get("debug_enabled")),
            graph=graph if isinstance(graph, Mapping) else {},
        )

    @property
    def is_bare(self) -> bool:
        """Whether nothing stands behind the trigger yet, as when MISP has just made it."""
        return len([key for key in self.graph if key != "_frames"]) <= 1

    @property
    def is_odd(self) -> bool:
        """Whether something in the graph is no node: MISP takes no notice of it, and nobody looks there for secrets."""
        return any(part and not isinstance(part, Mapping) for key, part in self.graph.items() if key != "_frames")

    @property
    def fingerprint(self) -> str:
        """The same for what means the same: PHP writes an empty object as a list, and 100.0 as 100."""
        parts = [self.trigger, self.name, self.description, self.debug, _canonical(self.graph)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def document(self) -> dict[str, Any]:
        """Return it in the file's form and order."""
        row = {
            "name": self.name,
            "description": self.description,
            "trigger_id": self.trigger,
            "debug_enabled": self.debug,
            "data": {key: _node(self.graph[key]) for key in sorted(self.graph, key=_place)},
        }
        return {"Workflow": row}

    def workflow(self) -> Workflow:
        """Return it for the engine; GraphError when it is none."""
        return load(self.document())

    def nodes(self) -> list[Node]:
        """Return the graph's nodes, none of what is no graph."""
        return list(Graph.parse(self.graph).nodes.values())


def read(path: Path) -> tuple[Content, dict[str, Any]]:
    """Return a file's workflow, and the members that stand beside it.

    InputError when it cannot be read, GraphError when it is no workflow. MISP's export and the bare graph are ones.
    """
    try:
        found = orjson.loads(given.content(path))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}.") from None
    try:
        return _read(found, path)
    except (InputError, GraphError) as error:
        raise type(error)(f"{path}: {error}") from None


def _read(found: Any, path: Path) -> tuple[Content, dict[str, Any]]:
    workflow = load(found)
    trigger = workflow.trigger_id or ""
    row = found.get("Workflow") if isinstance(found, Mapping) else None
    if not isinstance(row, Mapping):
        row = found if isinstance(found, Mapping) and "data" in found and "name" in found else None
    if row is None:
        row = {"name": path.stem, "data": {key: node.raw for key, node in workflow.graph.nodes.items()}}
    named = str(row.get("trigger_id") or trigger)
    if trigger and named != trigger:
        raise GraphError(f"it is for the trigger {named}, but its graph begins with {trigger}: make them the same.")
    has_own = isinstance(found, Mapping) and "Workflow" in found
    beside = {key: value for key, value in found.items() if key != "Workflow"} if has_own else {}
    return Content.of_row({**row, "trigger_id": trigger}), beside


def text(document: Mapping[str, Any]) -> str:
    """Return a document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def slug(name: str) -> str:
    """Return a name as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "unnamed"


def _node(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    found = {name: node[name] if name in ("inputs", "outputs") else _sorted(node[name]) for name in node}
    if isinstance(found.get("data"), Mapping):
        found["data"] = _begun(found["data"], DATA_ORDER)
    return _begun(found, NODE_ORDER)


def _begun(members: Mapping[str, Any], first: Iterable[str]) -> dict[str, Any]:
    """Return the members with these first, the others by their names."""
    names = [name for name in first if name in members]
    return {name: members[name] for name in [*names, *sorted(set(members) - set(names))]}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value, key=_place)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _place(key: str) -> tuple[int, int, str]:
    """Numbers by their value, then names, then what the editor keeps for itself."""
    number = whole_number(key)
    return (2 if key.startswith("_") else 1, 0, key) if number is None else (0, number, key)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(one) for key, one in value.items()} if value else []
    if isinstance(value, (list, tuple)):
        return [_canonical(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to MISP, which cannot tell an empty list from an empty object."""
    return bool(_canonical(one) == _canonical(other))
