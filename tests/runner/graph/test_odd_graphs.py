"""Graphs and blueprints as nobody's editor stores them, and what is drawn and said of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from misp_workflow.debug.telling import posts
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


NOTHING: list[Any] = [None, 5, 0, True, False, [], ["x"], {}]


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_is_no_object_is_no_node(nothing: Any) -> None:
    """Loose, a running MISP takes no notice of it; connected, it dies of it, when the node before is done."""
    chain = {2: ("push-zmq", {}), 3: ("push-zmq", {}), 4: ("push-zmq", {})}
    row = workflow("W", "event-publish", chain, [(1, 2), (2, 3), (3, 4)])
    row["Workflow"]["data"]["5"] = nothing
    assert ran(row, {"Event": {"id": "1"}}).end == "success"
    row["Workflow"]["data"]["3"] = nothing
    done = ran(row, {"Event": {"id": "1"}})
    assert done.end == "crash" and [step.outcome for step in done.steps] == ["ok"]
    assert [path.partition("?")[0] for path, _ in posts(done, {})] == [
        "/event-publish/init",
        "/event-publish/exec/push-zmq",
    ]


def test_a_text_for_a_node_is_not_stored() -> None:
    row = workflow("W", "event-publish", STOP, [(1, 2)])
    row["Workflow"]["data"]["5"] = "text"
    with pytest.raises(GraphError, match="Node 5 of the workflow is a text"):
        load(row)


@pytest.mark.parametrize(("number", "end"), [(3.5, "blocked"), (True, "blocked"), (None, "crash"), ("x", "crash")])
def test_a_nodes_own_number_need_only_be_one_to_php(number: Any, end: str) -> None:
    row = workflow("W", "event-publish", STOP, [(1, 2)])
    row["Workflow"]["data"]["2"]["id"] = number
    done = ran(row, {"Event": {"id": "1"}})
    assert done.end == end and (done.steps[-1].outcome == "crash") is (end == "crash")


def test_nothing_is_told_of_a_workflow_that_dies_of_its_trigger() -> None:
    row = workflow("W", "event-publish", STOP, [(1, 2)])
    del row["Workflow"]["data"]["1"]["data"]["id"]
    done = ran(row, {"Event": {"id": "1"}})
    assert done.end == "crash" and list(posts(done, {})) == []


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
