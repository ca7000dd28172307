"""What becomes of the trigger's action when a Python node fails: one run per node, kind of failure, and circumstance.

Mirrors no class of MISP's: it puts to the engine, one after the other, every way in which Module_misp_module and
Module::queryModuleServer can be let down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import inflector
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import Modules, load
from misp_workflow.runner.modules.misp_module import APPROVAL
from misp_workflow.runner.modules.moduleapi import (
    ANSWERS,
    TEMPLATE_MODULE,
    Described,
    ModuleServer,
    Scripted,
    Spec,
)
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

ALLOWED: Mapping[str, str] = {
    "event-publish": "the event is published",
    "event-before-delete": "the event is deleted",
    "event-before-save": "the event is saved",
    "enrichment-before-query": "the module is queried",
    "user-before-save": "the user is saved",
    "shadow-attribute-before-save": "the proposal is saved",
}
"""What MISP does when nothing blocks."""

Locality = Literal["", "local", "global"]


@dataclass(frozen=True)
class Around:
    """What is wrong besides the failing node.

    approval: where a gate leaves a tag when it approves, one that lies on the event already: "" none, else how it is
    attached. disabled: modules of MISP's own in the graph. rendering: whether the Enrichment service is on, which MISP
    has templates rendered by. elsewhere: while the gate fails, another run on the same event leaves its approval there.
    """

    approval: Locality = ""
    disabled: frozenset[str] = frozenset()
    rendering: bool = True
    elsewhere: bool = False

    def __str__(self) -> str:
        return "all is as it should be" if self == Around() else ", ".join(self._words())

    def _words(self) -> list[str]:
        old = [f"an old {self.approval} approval lies there"] if self.approval else []
        whose = "each of MISP's own nodes" if len(self.disabled) > 1 else "".join(self.disabled)
        off = [f"{whose} disabled"] if self.disabled else []
        other = ["another run on the same event approves at that moment"] if self.elsewhere else []
        return [*old, *off, *([] if self.rendering else ["the Enrichment service is off"]), *other]


AS_IT_SHOULD_BE = Around()


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
    around: Around = AS_IT_SHOULD_BE

    @property
    def fails_open(self) -> bool:
        """Whether a gate let pass what it never judged; another run's yes was about this event, a moment ago."""
        return self.gate and self.goes_on and not self.around.elsewhere


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

    @property
    def shared_cells(self) -> list[Cell]:
        """Where a run goes on by the yes of another: MISP compares a tag's name, not whose it is."""
        return [cell for cell in self.cells if cell.gate and cell.goes_on and cell.around.elsewhere]


@dataclass(frozen=True)
class _Trial:
    """What all runs of a matrix have in common."""

    workflow: Workflow
    data: Callable[[], Any]
    listed: Sequence[Described]
    world: World
    kept: dict[tuple[bool, frozenset[str]], Modules | None] = field(default_factory=dict)

    @property
    def python(self) -> list[Node]:
        names = {str(entry.get("name")) for entry in self.listed}
        return [node for node in self._actions if node.module in names]

    @property
    def _actions(self) -> list[Node]:
        return [node for node in self.workflow.graph.nodes.values() if node.type == "action"]

    @property
    def own(self) -> list[str]:
        """MISP's own modules in the graph."""
        python = {node.module for node in self.python}
        nodes = [node for node in self.workflow.graph.nodes.values() if node.type != "trigger"]
        return list(dict.fromkeys(node.module for node in nodes if node.module not in python))

    @property
    def approvals(self) -> dict[str, str]:
        """The tags that gates leave when they approve, by module."""
        found = {node.module: str(node.params.get(APPROVAL) or "") for node in self.python}
        return {module: tag for module, tag in found.items() if tag}

    def circumstances(self) -> list[Around]:
        """Everything that may be wrong besides: each of MISP's nodes disabled, all of them, an old approval."""
        off = [frozenset({name}) for name in self.own]
        disabled = dict.fromkeys([frozenset[str](), *off, frozenset(self.own)])
        localities: tuple[Locality, ...] = ("", "local", "global") if self.approvals else ("",)
        found = [Around(approval, some) for approval in localities for some in disabled]
        found += [Around(approval, rendering=False) for approval in localities]
        return [*found, Around(elsewhere=True)] if self.approvals else found

    def agreed(self) -> Run:
        """The run in which nothing is wrong, and each gate that says yes leaves its tag in MISP."""
        return run(self.workflow, self.data(), Scripted(self.listed, {}), world=self.world)

    def failing(self, node: Node, kind: Kind, around: Around) -> Run:
        data = self.data()
        for tag in self.approvals.values() if around.approval else ():
            _attach(data, tag, around.approval)
        world = self._around(around)
        if around.elsewhere:
            world = replace(world, fetched_events=[self._approved()])
        if kind == "disabled":
            world = replace(world, disabled_modules=world.disabled_modules | {node.module})
        failing = [*(other.module for other in self.python), TEMPLATE_MODULE] if kind == "down" else [node.module]
        script = {module: [_spec(kind)] for module in failing}
        server = Scripted(None if kind == "no list" else self.listed, script)
        return run(self.workflow, data, server, world=world, modules=self._modules(kind != "no list", server, world))

    def _modules(self, is_listed: bool, server: ModuleServer, world: World) -> Modules | None:
        """What MISP makes of the list, once for all runs where it makes the same; None: a run is to find out itself."""
        known = (is_listed, world.disabled_modules)
        if known not in self.kept:
            try:
                self.kept[known] = load(server, world)
            except PhpCrash:  # which is how the run ends
                self.kept[known] = None
        return self.kept[known]

    def _approved(self) -> Any:
        """The event as another run leaves it for a moment."""
        data = self.data()
        for tag in self.approvals.values():
            _attach(data, tag, "local")
        return data

    def _around(self, around: Around) -> World:
        off = self.world.disabled_services if around.rendering else self.world.disabled_services | {"Enrichment"}
        disabled = self.world.disabled_modules | around.disabled
        return replace(self.world, disabled_modules=disabled, disabled_services=off)


def _attach(data: Any, tag: str, locality: Locality) -> None:
    """Put the tag on the event, as MISP shows it."""
    event = php.item(data, "Event")
    if tag and isinstance(event, dict):
        event["Tag"] = [*php.values(php.to_array(event.get("Tag"))), {"name": tag, "local": locality == "local"}]


def matrix(
    workflow: Workflow,
    data: Callable[[], Any],
    listed: Sequence[Described],
    *,
    world: World | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Matrix:
    """Run the workflow once per Python node and kind of failure; `data` gives a fresh copy of the event for each run.

    What somebody relies on, a gate, is put to it under all circumstances as well. `listed` is what GET /modules answers
    when it does. Modules that are not the one in trouble say yes.
    """
    used = {node.module for node in workflow.graph.nodes.values()}
    known = [entry for entry in listed if inflector.module_id(str(entry.get("name"))) in used]
    trial = _Trial(workflow, data, known, world or World())
    agreed = trial.agreed()
    gates = {node.key for node in trial.python if _is_gate(agreed, node)}
    wanted = [
        (node, kind, around)
        for node in trial.python
        for around in (trial.circumstances() if node.key in gates else [AS_IT_SHOULD_BE])
        for kind in KINDS
    ]
    cells = []
    for place, (node, kind, around) in enumerate(wanted):
        progress(place, len(wanted))
        done = trial.failing(node, kind, around)
        cells.append(Cell(node, kind, done.success, done.end, node.key in gates, around))
    return Matrix(workflow, agreed.blocking, agreed, tuple(cells))


def opened_by_old_approvals(workflow: Workflow, listed: Sequence[Described], world: World) -> list[Node]:
    """Return the gates that let pass, when misp-modules is down, what an earlier approval lies on; of any event."""

    def event() -> Any:
        return {"Event": {"id": "1", "info": "", "published": False, "Attribute": [], "Object": [], "Tag": []}}

    trial = _Trial(workflow, event, listed, world)
    old = [around for around in trial.circumstances() if around.approval]
    gates = [node for node in trial.python if node.module in trial.approvals]
    return [node for node in gates if any(trial.failing(node, "down", around).success for around in old)]


def _is_gate(agreed: Run, node: Node) -> bool:
    module = agreed.modules.get("action", node.module) if agreed.modules else None
    return agreed.blocking and module is not None and module.blocking


def _spec(kind: Kind) -> Spec:
    if kind == "error":
        return {"type": "ok", "body": {"error": "refused, to see what happens"}}
    return dict(ANSWERS.get(kind, ANSWERS["ok"]))
