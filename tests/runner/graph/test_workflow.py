"""Reading workflows and blueprints, and what is said of files that are neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.errors import GraphError, InputError, WorkflowError
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import Workflow, attach_blueprint, load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import run

BLUEPRINTS = Path(__file__).resolve().parents[4] / "shared" / "blueprints"
EXPORTED = workflow("W", "event-publish", {2: ("tag-if", {}), 3: ("tell", {})}, [(1, 2), (2, 3, 2)])
ROW = EXPORTED["Workflow"]


@pytest.mark.parametrize(
    "document",
    [
        EXPORTED,
        ROW,
        ROW["data"],
        [EXPORTED],
        list(ROW["data"].values()),
        {"Workflow": {**ROW, "data": json.dumps(ROW["data"])}},
        json.dumps(EXPORTED),
        json.dumps(EXPORTED).encode(),
    ],
    ids=["exported", "row", "graph", "listed", "list of nodes", "graph as text", "text", "bytes"],
)
def test_what_misp_exports(document: Any) -> None:
    read = load(document)
    assert read.trigger_id == "event-publish"
    assert _shape(read) == {"1": ("event-publish", ["2"]), "2": ("tag-if", ["3"]), "3": ("tell", [])}


@pytest.mark.parametrize("odd", ["²", "٣", "1" * 5000, "", "-1"])
def test_a_number_that_is_none_stays_a_text(odd: str) -> None:
    assert load({"Workflow": {**ROW, "id": odd}}).id == odd
    assert (
        load({"Workflow": {**ROW, "data": {**ROW["data"], odd: ROW["data"]["2"]}}}).graph.nodes[odd].module == "tag-if"
    )


def test_the_row_is_read() -> None:
    read = load({"Workflow": {**ROW, "id": "12", "debug_enabled": "1"}})
    assert (read.id, read.name, read.debug) == (12, "W", True)


@pytest.mark.parametrize(
    ("document", "error", "said"),
    [
        ("{", InputError, "cannot be read"),
        (b"\xff", InputError, "cannot be read"),
        ({}, GraphError, "no workflow"),
        ([], GraphError, "no workflow"),
        (None, GraphError, "no workflow"),
        ({"Event": {"id": 1}}, GraphError, "no workflow"),
        ({"Workflow": {"data": {}}}, GraphError, "no nodes"),
        ({"Workflow": {"data": "["}}, InputError, "graph inside"),
        ({"Workflow": {"data": 5}}, GraphError, "neither an object nor a list"),
        ({"Workflow": {"data": {"1": "x"}}}, GraphError, "Node 1"),
        ([EXPORTED, EXPORTED], GraphError, "2 workflows"),
        ({"WorkflowBlueprint": {"data": []}}, GraphError, "blueprint"),
    ],
)
def test_what_is_no_workflow(document: Any, error: type[WorkflowError], said: str) -> None:
    with pytest.raises(error, match=said):
        load(document)


# --- blueprints ------------------------------------------------------------------------------------------------------


def _blueprint(*nodes: tuple[int, str, str, dict[str, list[int]]]) -> dict[str, Any]:
    data = [
        {
            "id": number,
            "name": module,
            "data": {"id": module, "name": module, "module_type": kind, "indexed_params": {"n": number}},
            "inputs": {},
            "outputs": {
                name: {"connections": [{"node": str(end), "output": "input_1"} for end in ends]}
                for name, ends in outputs.items()
            },
        }
        for number, kind, module, outputs in nodes
    ]
    return {"WorkflowBlueprint": {"name": "B", "data": data}}


def _shape(made: Workflow) -> dict[str, tuple[str, list[str]]]:
    return {key: (node.module, [edge.target for edge in node.edges()]) for key, node in made.graph.nodes.items()}


def test_a_blueprint_behind_a_trigger() -> None:
    blueprint = _blueprint(
        (55, "action", "tell", {"output_1": []}),
        (56, "logic", "tag-if", {"output_1": [55], "output_2": [57]}),
        (57, "action", "other", {"output_1": [99]}),
    )
    made = attach_blueprint("event-publish", blueprint)
    assert _shape(made) == {
        "1": ("event-publish", ["3"]),
        "2": ("tell", []),
        "3": ("tag-if", ["2", "4"]),
        "4": ("other", []),
    }
    assert made.name == "B" and [node.id for node in made.graph.nodes.values()] == [1, 2, 3, 4]
    assert made.graph.nodes["2"].params == {"n": 55}


def test_its_own_trigger_is_left_out() -> None:
    blueprint = _blueprint(
        (1, "trigger", "event-publish", {"output_1": [30]}), (30, "action", "tell", {"output_1": []})
    )
    assert _shape(attach_blueprint("event-after-save", blueprint)) == {
        "1": ("event-after-save", ["2"]),
        "2": ("tell", []),
    }


def test_behind_a_workflow_with_nodes() -> None:
    made = attach_blueprint(load(EXPORTED), _blueprint((9, "action", "other", {"output_1": []})))
    assert _shape(made)["1"] == ("event-publish", ["2", "4"]) and _shape(made)["4"] == ("other", [])
    assert made.name == "W"


@pytest.mark.parametrize(
    "document", [{}, [], "[", {"WorkflowBlueprint": {}}, {"WorkflowBlueprint": {"data": [5]}}, EXPORTED]
)
def test_what_is_no_blueprint(document: Any) -> None:
    with pytest.raises(WorkflowError, match="blueprint"):
        attach_blueprint("event-publish", document)


def test_all_official_blueprints_run() -> None:
    files = sorted(BLUEPRINTS.glob("*.json"))
    if not files:
        pytest.skip("MISP's official blueprints are not beside this repository")
    for file in files:
        made = attach_blueprint("event-publish", file.read_bytes())
        done = run(made, {"Event": {"id": "1", "Tag": [], "Attribute": []}}, Scripted([]))
        assert done.end in ("success", "blocked") and done.steps, file.name
