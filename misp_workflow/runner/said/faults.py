"""What becomes of the trigger's action when a Python node fails: one run per node and kind of failure.

Mirrors no class of MISP's: it puts to the engine, one after the other, every way in which Module_misp_module and
Module::queryModuleServer can be let down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.moduleapi import ANSWERS, Described, ModuleServer, Scripted, Spec
from misp_workflow.runner.walk.walk import End, Run, run

Kind = Literal["error", "raises", "timeout", "down", "no list", "http500", "badjson", "empty", "disabled"]

KINDS: Mapping[Kind, str] = {
    "error": "answers an error",
    "raises": "raises an exception",
    "timeout": "is slower than the time-out",
    "down": "the server is down when it is asked",
    "no list": "the list of modules is not available",
    "http500": "the server answers HTTP 500",
    "badjson": "the answer is not JSON",
    "empty": "the answer is empty",
    "disabled": "the module is disabled in MISP",
}

STOPPED: Mapping[str, str] = {
    "event-publish": "the event is not published",
    "event-before-save": "the event is not saved",
    "enrichment-before-query": "the module is not queried",
    "user-before-save": "the user is not saved",
    "shadow-attribute-before-save": "the proposal is not saved",
}
"""What a blocking trigger's stop means to people; the contrary is what fails open."""


@dataclass(frozen=True)
class Cell:
    """One run: which node failed and how, and whether MISP went on all the same.

    `gate`: the node is a blocking Python module on a blocking trigger, so somebody relies on it.
    """

    node: Node
    kind: Kind
    goes_on: bool
    end: End
    gate: bool

    @property
    def fails_open(self) -> bool:
        """Whether a gate let pass what it never judged."""
        return self.gate and self.goes_on


@dataclass(frozen=True)
class Matrix:
    """Every cell, in the graph's order of nodes; `agreed` says whether MISP goes on when every module says yes."""

    workflow: Workflow
    blocking: bool
    agreed: Run
    cells: tuple[Cell, ...]

    @property
    def open_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.fails_open]


def matrix(
    workflow: Workflow,
    data: Callable[[], Any],
    listed: Sequence[Described],
    *,
    world: World | None = None,
    behind: ModuleServer | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Matrix:
    """Run the workflow once per Python node and kind of failure; `data` gives a fresh copy of the event for each run.

    `listed` is what GET /modules answers when it does. Modules that are not the one in trouble say yes.
    """
    world = world or World()
    names = {str(entry.get("name")) for entry in listed}
    agreed = run(workflow, data(), Scripted(listed, {}, behind), world=world)
    nodes = [node for node in workflow.graph.nodes.values() if node.type == "action" and node.module in names]
    cells = []
    for place, (node, kind) in enumerate((node, kind) for node in nodes for kind in KINDS):
        progress(place, len(nodes) * len(KINDS))
        cells.append(_cell(workflow, data(), listed, world, node, kind, agreed))
    return Matrix(workflow, agreed.blocking, agreed, tuple(cells))


def _cell(
    workflow: Workflow, data: Any, listed: Sequence[Described], world: World, node: Node, kind: Kind, agreed: Run
) -> Cell:
    if kind == "disabled":
        world = replace(world, disabled_modules=world.disabled_modules | {node.module})
    server = Scripted(None if kind == "no list" else listed, {node.module: [_spec(kind)]})
    done = run(workflow, data, server, world=world)
    module = agreed.modules.get("action", node.module) if agreed.modules else None
    gate = agreed.blocking and module is not None and module.blocking
    return Cell(node, kind, done.success, done.end, gate)


def _spec(kind: Kind) -> Spec:
    if kind == "error":
        return {"type": "ok", "body": {"error": "refused, to see what happens"}}
    return dict(ANSWERS.get(kind, ANSWERS["ok"]))
