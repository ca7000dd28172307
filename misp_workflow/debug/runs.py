"""The posts of MISP's debug mode, gathered into runs. MISP numbers neither: trigger, event, nodes tell them apart."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from misp_workflow import php
from misp_workflow.debug.changes import Change, changes
from misp_workflow.runner.graph.graph import Edge
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.said.drawing import Drawing, draw
from misp_workflow.runner.said.report import document, secrets_in, without_secrets
from misp_workflow.template.moments import date

MOST_RUNS = 50
"""Runs that are kept, the newest; of each only the last data, the first compressed, and excerpts."""

MOST_VISITS = 500
"""Visits of one run that are kept, the newest; a graph has some ten nodes, and anybody who gets here may post."""

OUTCOMES = {
    "success": "ok",
    "partial-success": "error",
    "failure": "error",
    "error": "error",
    "disabled_module": "disabled",
    "loading_error": "unknown",
}
"""What MISP calls the result of a node -> how a drawing shows it."""

GraphOf = Callable[[str], Workflow | None]
"""The workflow of a trigger, where it is known."""


@dataclass(frozen=True)
class Visit:
    """What MISP told of one node: the data as it left it, cut, with secrets masked."""

    node: str
    module: str
    result: str
    errors: tuple[str, ...]
    filters: Mapping[str, Any]
    parameters: Any
    changes: list[Change]
    data: str

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.result, "ok" if not self.errors else "error")


@dataclass
class Seen:
    """One run as far as it was told. `outcome` is "" while it goes on; `workflow` is None where it is unknown."""

    number: int
    trigger: str
    kind: str
    began: str
    event: dict[str, str]
    original: bytes
    last: Any
    visits: list[Visit] = field(default_factory=list)
    outcome: str = ""
    blockers: tuple[str, ...] = ()
    workflow: Workflow | None = None
    looked_up: bool = False

    @property
    def start(self) -> str:
        """When it began, as people read a time; as it was told where that is none."""
        return date(self.began, "%Y-%m-%d %H:%M:%S %Z") or self.began

    @property
    def stopped_by(self) -> list[Visit]:
        """What was told of the nodes that stopped the run; of each the last visit."""
        last = {visit.node: visit for visit in self.visits}
        return [last[node] for node in self.blockers if node in last]

    @property
    def title(self) -> str:
        return (self.workflow.name if self.workflow else "") or self.trigger

    def original_data(self) -> bytes:
        """Return what started the run, as JSON: an event file for `misp-workflow run`."""
        return zlib.decompress(self.original)

    def document(self) -> bytes:
        """Return the workflow as JSON, a file for `misp-workflow run`; b"" where it is not known."""
        if self.workflow is None:
            return b""
        data = {key: dict(node.raw) for key, node in self.workflow.graph.nodes.items()}
        row = {"name": self.workflow.name, "trigger_id": self.trigger, "data": data}
        return orjson.dumps({"Workflow": row}, option=orjson.OPT_INDENT_2)

    def drawing(self) -> Drawing | None:
        """Return the graph with what is known of the way lit; None where it is not known."""
        if self.workflow is None:
            return None
        nodes = self.workflow.graph.nodes
        start = self.workflow.trigger
        outcomes = {start.key: "ok"} if start else {}
        outcomes.update((visit.node, visit.outcome) for visit in self.visits)
        place = {key: number for number, key in enumerate(outcomes)}
        taken: set[Edge] = {
            edge
            for key in place
            if key in nodes
            for edge in nodes[key].edges()
            if place.get(edge.target, -1) > place[key]
        }
        return draw(nodes, outcomes, self.blockers[0] if self.blockers else None, taken)


class Runs:
    """The newest runs, and a number that grows with every post."""

    def __init__(self, graph_of: GraphOf) -> None:
        self._graph_of = graph_of
        self.kept: deque[Seen] = deque(maxlen=MOST_RUNS)
        self.version = 0
        self._count = 0

    def find(self, number: int) -> Seen | None:
        return next((one for one in self.kept if one.number == number), None)

    def look_up(self, run: Seen) -> None:
        """Find the run's graph, once. It may ask MISP: not while MISP waits for an answer to its post."""
        if not run.looked_up:
            run.workflow, run.looked_up = self._graph_of(run.trigger), True

    def begun(self, trigger: str, kind: str, body: Mapping[str, Any]) -> None:
        """Take a post of /init."""
        self._count += 1
        data = php.item(body, "data")
        original, normalized = php.item(data, "original"), php.item(data, "normalized")
        self.kept.append(
            Seen(
                self._count,
                trigger,
                kind,
                str(body.get("timestamp") or ""),
                _event(normalized or original),
                zlib.compress(orjson.dumps(original), 1),
                normalized,
            )
        )
        self.version += 1

    def visited(self, trigger: str, module: str, result: str, body: Mapping[str, Any], message: str = "") -> None:
        """Take a post of /exec; one whose run was never announced begins one. `message` is that of an exception."""
        data = body.get("data")
        run = self._open(trigger, lambda one: one.event.get("uuid") == _event(data).get("uuid"))
        if run is None:
            self.begun(trigger, "", {"data": {"original": data, "normalized": data}})
            run = self.kept[-1]
        source = body.get("source") if isinstance(body.get("source"), dict) else {}
        assert isinstance(source, dict)
        parameters = source.get("parameters")
        secrets = tuple(secrets_in(module, parameters, None)) if isinstance(parameters, dict) else ()
        errors = body.get("errors") if isinstance(body.get("errors"), list) else [message] if message else []
        filters = source.get("filters") if isinstance(source.get("filters"), dict) else {}
        hidden = without_secrets(data, secrets)
        run.visits.append(
            Visit(
                str(source.get("node_id", "")),
                module,
                result,
                tuple(without_secrets([php.to_string(error) for error in errors or ()], secrets)),
                {name: value for name, value in (filters or {}).items() if value},
                without_secrets(parameters, secrets),
                changes(without_secrets(run.last, secrets), hidden),
                document(hidden),
            )
        )
        run.last = data
        del run.visits[:-MOST_VISITS]
        self.version += 1

    def ended(self, trigger: str, outcome: str, body: Mapping[str, Any]) -> None:
        """Take a post of /end."""
        executed = set(_ids(php.item(body.get("data"), "executed_nodes")))
        run = self._open(trigger, lambda one: executed <= {visit.node for visit in one.visits})
        if run is None:
            return
        run.outcome, run.last = outcome or "ended", None
        if outcome != "success":  # MISP also lists nodes here that failed without stopping anything
            run.blockers = tuple(_ids(php.item(body.get("data"), "blocking_nodes")))
        self.version += 1

    def _open(self, trigger: str, fits: Callable[[Seen], bool]) -> Seen | None:
        """Return the newest run of the trigger that goes on and fits."""
        return next(
            (one for one in reversed(self.kept) if not one.outcome and one.trigger == trigger and fits(one)), None
        )


def _event(data: Any) -> dict[str, str]:
    event = php.item(data, "Event")
    if not isinstance(event, dict):
        return {}
    return {
        name: php.to_string(event[name]) for name in ("id", "info", "uuid") if isinstance(event.get(name), (str, int))
    }


def _ids(nodes: Any) -> list[str]:
    found = nodes.values() if isinstance(nodes, dict) else nodes if isinstance(nodes, list) else ()
    return [str(node["id"]) for node in found if isinstance(node, dict) and "id" in node]
