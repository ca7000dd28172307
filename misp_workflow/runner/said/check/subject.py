"""What the rules look at, and what they say. Mirrors the graph and modules that MISP's editor works with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from misp_workflow.runner.data.triggers import find
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

    @cached_property
    def nodes(self) -> list[Node]:
        return list(self.workflow.graph.nodes.values())

    @cached_property
    def trigger(self) -> str:
        return self.workflow.trigger_id or ""

    @property
    def can_block(self) -> bool:
        """Whether a stop keeps something from happening in MISP; one of an ad-hoc workflow ends that only."""
        known = find(self.trigger)
        return known is not None and known.blocking and not self.workflow.is_adhoc

    def module(self, node: Node) -> Module | None:
        return self.modules.get(node.type, node.module)

    def python(self) -> Iterator[tuple[Node, Module]]:
        for node in self.nodes:
            module = self.module(node)
            if node.type == "action" and module is not None and module.is_python:
                yield node, module

    @cached_property
    def _before(self) -> dict[str, list[str]]:
        """The nodes from which an edge leads to each node."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            for edge in node.edges():
                found.setdefault(edge.target, []).append(node.key)
        return found

    def before(self, keys: Iterable[str]) -> set[str]:
        """The nodes from which a path of at least one edge leads to one of these."""
        found: set[str] = set()
        waiting = list(keys)
        while waiting:
            new = [key for key in self._before.get(waiting.pop(), ()) if key not in found]
            found.update(new)
            waiting += new
        return found

    def behind(self, nodes: Iterable[Node], until: Collection[str] = ()) -> set[str]:
        """The nodes to which a path of at least one edge leads from one of these, and through none of `until`."""
        found: set[str] = set()
        waiting = list(nodes)
        while waiting:
            new = {edge.target for edge in waiting.pop().edges()} - found
            found |= new
            known = [self.workflow.graph.nodes[key] for key in new if key in self.workflow.graph.nodes]
            waiting += [node for node in known if node.module not in until]
        return found


Rule = Callable[[Subject], Iterator[Finding]]


def declared(module: Module) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of a Python module as its author declared them, by the name that a node uses."""
    return {param.id: param.declared for param in module.params} if module.is_python else {}
