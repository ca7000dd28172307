"""Graphs and blueprints as nobody's editor stores them, and what is drawn and said of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from misp_workflow.errors import GraphError
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.graph import Graph
from misp_workflow.runner.graph.workflow import Workflow, attach_blueprint, load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.said.drawing import ASIDE, BELOW, BOX_HEIGHT, BOX_WIDTH, draw
from misp_workflow.runner.said.report import as_html
from misp_workflow.runner.walk.walk import Run, run

OLD = World(misp=profile("2.5.1"))
STOP = {2: ("stop-execution", {"message": "no"})}


def ran(row: Any, data: Any) -> Run:
    return run(load(row), data, Scripted([]), world=OLD)


@pytest.mark.parametrize("connections", [[{"node": "2"}], {"0": {"node": "2"}}, {"4": {"node": "2"}}])
def test_connections_may_be_an_object(connections: Any) -> None:
    row = workflow("W", "event-publish", STOP, [(1, 2)])
    row["Workflow"]["data"]["1"]["outputs"]["output_1"]["connections"] = connections
    assert ran(row, {"Event": {"id": "1"}}).end == "blocked"


def test_only_a_trigger_that_is_there_is_replaced_or_built_upon() -> None:
    none = Workflow(1, "W", Graph({}))
    with pytest.raises(GraphError, match="no trigger that could be replaced"):
        none.triggered_by("event-publish")
    with pytest.raises(GraphError, match="no trigger to attach a blueprint to"):
        attach_blueprint(none, {"data": [{"id": 1, "data": {"module_type": "logic"}}]})


def test_a_blueprints_graph_may_be_a_text() -> None:
    node = {"id": 5, "data": {"id": "stop-execution", "module_type": "action", "indexed_params": {"message": "no"}}}
    built = attach_blueprint(
        "event-publish", {"name": "B", "data": json.dumps([{**node, "outputs": {}, "inputs": {}}])}
    )
    assert run(built, {"Event": {"id": "1"}}, Scripted([]), world=OLD).end == "blocked"


@pytest.mark.parametrize(
    ("data", "named"), [({"email": "x@example.test"}, False), ({"Event": {"info": "Named"}}, True)]
)
def test_the_pages_head_names_an_event_only_where_there_is_one(data: Any, named: bool) -> None:
    page = as_html(ran(workflow("W", "user-before-save", STOP, [(1, 2)]), data))
    assert ("<dt>Event" in page or ">Event<" in page) is named


def test_wide_gaps_are_drawn_narrow_and_nothing_else_moves() -> None:
    row = workflow("W", "event-publish", {2: ("stop-execution", {}), 3: ("stop-execution", {})}, [(1, 2), (1, 3)])
    for key, (x, y) in {"1": (-500, 40), "2": (900, 40), "3": (910, 700)}.items():
        row["Workflow"]["data"][key] |= {"pos_x": x, "pos_y": y}
    first, second, third = draw(load(row).graph.nodes, {}, None, ()).boxes
    assert (second.x - first.x, third.x - second.x) == (BOX_WIDTH + ASIDE, 10)
    assert (second.y - first.y, third.y - second.y) == (0, BOX_HEIGHT + BELOW)


def test_nodes_without_places_of_their_own_are_drawn_apart() -> None:
    row = workflow("W", "event-publish", STOP, [(1, 2)])
    for node in row["Workflow"]["data"].values():
        node.pop("pos_x", None), node.pop("pos_y", None)
    boxes = draw(load(row).graph.nodes, {}, None, ()).boxes
    assert len({(box.x, box.y) for box in boxes}) == len(boxes) == 2
