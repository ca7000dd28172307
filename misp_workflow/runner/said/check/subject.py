"""What the rules look at, and what they say. Mirrors the graph and modules that MISP's editor works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import Module, Modules

Level = Literal["error", "warning"]

BARE_EVENT = {"event-after-save": "the bare event row, without attributes", "object-after-save": "an empty event"}
"""Triggers whose data does not hold what people expect, with what it holds."""


@dataclass(frozen=True)
class Finding:
    """One thing to know: which node (None: the whole graph), why it matters, what to do."""

    level: Level
    rule: str
    node: Node | None
    why: str
    advice: str

    def __str__(self) -> str:
        place = f"{self.node.module} ({self.node.id}): " if self.node else ""
        return f"{place}{self.why} {self.advice}"


@dataclass(frozen=True)
class Subject:
    """What the rules look at."""

    workflow: Workflow
    modules: Modules
    world: World

    @property
    def nodes(self) -> list[Node]:
        return list(self.workflow.graph.nodes.values())

    @property
    def trigger(self) -> str:
        return self.workflow.trigger_id or ""

    @property
    def can_block(self) -> bool:
        return self.trigger in TRIGGERS and TRIGGERS[self.trigger].blocking

    def module(self, node: Node) -> Module | None:
        return self.modules.get(node.type, node.module)

    def python(self) -> Iterator[tuple[Node, Module]]:
        for node in self.nodes:
            module = self.module(node)
            if node.type == "action" and module is not None and module.is_python:
                yield node, module

    def reachable(self, node: Node) -> dict[str, set[str]]:
        """Return the nodes that come after `node`, each with the outputs by which paths leave on the way there."""
        found: dict[str, set[str]] = {}
        waiting: list[tuple[str, frozenset[str]]] = [(node.key, frozenset())]
        seen: set[tuple[str, frozenset[str]]] = set()
        while waiting:
            key, outputs = waiting.pop()
            if (key, outputs) in seen or key not in self.workflow.graph.nodes:
                continue
            seen.add((key, outputs))
            here = self.workflow.graph.nodes[key]
            for edge in here.edges():
                taken = outputs | ({edge.output} if here.type == "logic" else set())
                found.setdefault(edge.target, set()).update(taken)
                waiting.append((edge.target, frozenset(taken)))
        return found


Rule = Callable[[Subject], Iterator[Finding]]


def declared(module: Module) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of a Python module as its author declared them, by the name that a node uses."""
    return {param.id: param.declared for param in module.params} if module.is_python else {}
