"""The stand-in's workflows, triggers, modules and blueprints, answering as a real MISP 2.5.1 was recorded to.

With its traps: a workflow is made by asking for its editor, which answers 500; any name is "Enabled"; a graph with an
unknown module, or another trigger than the workflow's, is saved in silence; an empty object comes back as a list.
"""

from __future__ import annotations

import json
import uuid as uuids
from collections.abc import Iterable
from itertools import count
from typing import Any

from misp_workflow.runner.data.profiles import OLDEST, profile
from misp_workflow.runner.graph import graph as graphs
from misp_workflow.runner.modules.catalogue import catalogue
from misp_workflow.testing.misp.answers import no, route, yes
from misp_workflow.testing.misp.rows import Row, now
from misp_workflow.testing.receiver import Answer, answer

LISTED = catalogue(profile(OLDEST))
"""The modules of the MISP whose answers were recorded."""

SUFFIX = r"(?:\.json)?"
LONGEST = 191
INTERNAL = "An Internal Error Has Occurred."


class Workflows:
    """What a MISP has of workflows. `workflows` are rows by id, `on` the names of what is enabled."""

    def __init__(self, served: Iterable[str] = ()) -> None:
        self.workflows: dict[str, Row] = {}
        self.blueprint_rows: list[Row] = []
        self.on: set[str] = set()
        self.served = sorted(served)
        self._workflow_numbers = count(1)

    def add_workflow(self, trigger: str, graph: Any, name: str = "Recorded", **more: Any) -> Row:
        """Store a workflow for a trigger, as if somebody had drawn it, and return its row."""
        row: Row = {
            "id": str(next(self._workflow_numbers)),
            "uuid": str(uuids.uuid4()),
            "name": name,
            "description": "",
            "timestamp": now(),
            "enabled": False,
            "counter": "0",
            "trigger_id": trigger,
            "debug_enabled": False,
            "data": as_php(graph),
            **more,
        }
        self.workflows[row["id"]] = row
        return row

    def workflow_of(self, trigger: str) -> Row | None:
        """Return the row of a trigger's workflow."""
        return next((row for row in self.workflows.values() if row["trigger_id"] == trigger), None)

    # --- workflows ----------------------------------------------------------------------------------------------------

    @route("GET", f"/workflows/index{SUFFIX}")
    def _workflow_index(self, path: str, body: Any) -> Answer:
        return answer([self._workflow_shown(row) for row in self.workflows.values()])

    @route("GET", rf"/workflows/view/([^/]+?){SUFFIX}")
    def _workflow_view(self, path: str, body: Any, number: str) -> Answer:
        if not number.isdecimal():
            return no(500, INTERNAL, path)
        if number not in self.workflows:
            return no(404, "Invalid Workflow.", path)
        return answer(self._workflow_shown(self.workflows[number]))

    @route("GET", rf"/workflows/editor/([^/]+?){SUFFIX}")
    def _workflow_editor(self, path: str, body: Any, trigger: str) -> Answer:
        if trigger not in LISTED["trigger"]:
            return self._unsaved("add", trigger, f"Unkown trigger {trigger}")
        if self.workflow_of(trigger) is None:
            node = {
                "class": "block-type-trigger",
                "data": self._listed("trigger", trigger),
                "id": 1,
                "inputs": [],
                "outputs": {"output_1": {"connections": []}},
                "pos_x": 0,
                "pos_y": 0,
                "typenode": False,
            }
            self.add_workflow(trigger, {"1": node}, f"Workflow for trigger {trigger}")
        return no(500, INTERNAL, path)  # the page has no form for machines, and has made the workflow all the same

    @route("POST", rf"/workflows/edit/([0-9]+){SUFFIX}")
    def _workflow_edit(self, path: str, body: Any, number: str) -> Answer:
        row = self.workflows.get(number)
        if row is None:
            return no(404, "Invalid workflow", path)
        given = body.get("Workflow") if isinstance(body, dict) else None
        stored = given.get("data") if isinstance(given, dict) else None
        try:
            graph = json.loads(stored) if isinstance(stored, str) else None
        except ValueError:
            graph = None
        if not isinstance(graph, (dict, list)):
            return no(500, INTERNAL, path)
        if isinstance(given, dict) and any(len(given.get(name) or "") > LONGEST for name in ("name", "description")):
            return no(500, INTERNAL, path)
        refusal = _refusal(graphs.Graph.parse(graph))
        if refusal:
            return self._unsaved("edit", number, refusal)
        assert isinstance(given, dict), "it had data"
        row |= {key: given[key] for key in ("name", "description", "debug_enabled") if key in given}
        row |= {"data": as_php(graph), "timestamp": now()}
        shown = {key: value for key, value in row.items() if key != "timestamp"}
        return answer({"Workflow": {**shown, "timestamp": int(row["timestamp"])}})

    @route("POST", rf"/workflows/delete/([0-9]+){SUFFIX}")
    def _workflow_delete(self, path: str, body: Any, number: str) -> Answer:
        if self.workflows.pop(number, None) is None:
            return no(404, "Invalid Workflow.", path)
        return yes("Workflow deleted.", f"/workflows/delete/{number}", id=int(number))

    def _workflow_shown(self, row: Row) -> Row:
        return {"Workflow": {**row, "listening_triggers": [self._listed("trigger", row["trigger_id"])]}}

    def _unsaved(self, verb: str, reference: str, why: str) -> Answer:
        title = f"Could not {verb} Workflow"
        where = f"/workflows/{verb}/{reference}"
        said = {"saved": False, "name": title, "message": title, "url": where, "errors": why, "id": reference}
        return answer(said, 403)

    # --- modules and triggers -----------------------------------------------------------------------------------------

    @route("GET", f"/workflows/triggers{SUFFIX}")
    def _workflow_triggers(self, path: str, body: Any) -> Answer:
        rows = []
        for trigger in LISTED["trigger"]:
            row, own = self._listed("trigger", trigger), self.workflow_of(trigger)
            rows.append({**row, "Workflow": self._workflow_shown(own)["Workflow"]} if own else row)
        return answer(rows)

    @route("GET", rf"/workflows/moduleIndex/type:([a-z]+)(?:/enabled:([01]))?{SUFFIX}")
    def _workflow_modules(self, path: str, body: Any, kind: str, enabled: str | None) -> Answer:
        if kind not in ("logic", "action"):
            return answer(None)
        rows = [self._listed(kind, name) for name in LISTED[kind] if name not in self.served]
        if kind == "action":
            rows += [{"id": name, "name": name, "is_misp_module": True, **self._state(name)} for name in self.served]
        if enabled is None:
            return answer(rows)
        fitting = {place: row for place, row in enumerate(rows) if row["disabled"] != (enabled == "1")}
        return answer(as_php({str(place): row for place, row in fitting.items()}))

    @route("GET", rf"/workflows/moduleView/([^/]+?){SUFFIX}")
    def _workflow_module(self, path: str, body: Any, name: str) -> Answer:
        kind = next((kind for kind in ("logic", "action", "trigger") if name in LISTED[kind]), None)
        if kind is None:
            return no(404, "Invalid trigger ID", path)
        return answer(self._listed(kind, name))

    @route("POST", rf"/workflows/toggleModule/([^/]+?)/([01])(/1)?{SUFFIX}")
    def _workflow_toggle(self, path: str, body: Any, name: str, wanted: str, is_trigger: str | None) -> Answer:
        word = "Enabled" if wanted == "1" else "Disabled"
        if bool(is_trigger) == (name in LISTED["trigger"]):  # else MISP says so, and does nothing
            (self.on.add if wanted == "1" else self.on.discard)(name)
        return yes(f"{word} module {name}", f"/workflows/toggle_module/{name}", id=name)

    def _listed(self, kind: str, name: str) -> Row:
        return {**LISTED[kind][name], "module_type": kind, **self._state(name)}

    def _state(self, name: str) -> Row:
        return {"disabled": name not in self.on}

    # --- blueprints ---------------------------------------------------------------------------------------------------

    @route("GET", f"/workflowBlueprints/index{SUFFIX}")
    def _blueprint_index(self, path: str, body: Any) -> Answer:
        if any(not isinstance(row["data"], list) for row in self.blueprint_rows):
            return no(500, INTERNAL, path)
        return answer([{"WorkflowBlueprint": row} for row in self.blueprint_rows])

    @route("POST", f"/workflowBlueprints/add{SUFFIX}")
    def _blueprint_add(self, path: str, body: Any) -> Answer:
        given = body["WorkflowBlueprint"]
        data = json.loads(given["data"]) if isinstance(given.get("data"), str) else given.get("data")
        row = {
            "id": str(next(self._workflow_numbers)),
            "uuid": given.get("uuid") or str(uuids.uuid4()),
            "name": given["name"],
            "description": given.get("description", ""),
            "timestamp": str(given.get("timestamp") or now()),
            "default": False,
            "data": as_php(data),
        }
        self.blueprint_rows.append(row)
        return answer({"WorkflowBlueprint": {**row, "mermaid": ""}})


def _refusal(graph: graphs.Graph) -> str:
    if len(graph.triggers) != 1:
        return "Cannot save a workflow containing no or more than one trigger"
    if graphs.cycle(graph):
        return "Cannot save a workflow containing a cycle"
    if graphs.multiple_connections(graph):
        return "Cannot save a workflow having more than one connection per output"
    return ""


def as_php(value: Any) -> Any:
    """Return JSON as PHP writes it again: arrays with keys 0, 1, 2 … are lists, and so are empty ones."""
    if isinstance(value, dict):
        made = {key: as_php(one) for key, one in value.items()}
        in_row = list(made) == [str(place) for place in range(len(made))]
        return list(made.values()) if in_row else made
    return [as_php(one) for one in value] if isinstance(value, list) else value
