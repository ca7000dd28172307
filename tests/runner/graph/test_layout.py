"""Where the nodes of a graph are drawn: no two of them over each other, at the sizes that MISP's editor draws."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import FIELD, as_blueprint, drawn_height, workflow
from misp_workflow.runner.graph.workflow import attach_blueprint, load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import LocalServer

ROOT = Path(__file__).resolve().parents[3]
MODULES = catalogue.load(LocalServer([ROOT / "misp_modules" / "modules" / "action_mod"]), World())
EXAMPLES = sorted((ROOT / "examples" / "workflows").glob("*.json"))

# Measured in the editor of MISP 2.5.1 (offsetHeight), with parameters left empty.
MEASURED = {
    "concurrent-task": 110,
    "tag-if": 282,
    "generic-if": 239,
    "threat-level-if": 174,
    "tag_operation": 384,
    "reload-full-event": 90,
    "stop-execution": 177,
    "webhook": 580,
    "splunk-hec-export": 560,
    "send-mail": 374,
    "user_gate": 556,
    "teams_card": 971,
    "hashlookup_check": 736,
}
SINCE = {"teams_card": 2}
"""Parameters that a node has got since it was measured; each is a field, which is kept free whole."""
WIDTH = 332


@pytest.mark.parametrize("module", MEASURED)
def test_no_node_is_higher_than_is_kept_free(module):
    found = MODULES.find(module)
    assert found is not None
    assert MEASURED[module] <= drawn_height(found.config) - FIELD * SINCE.get(module, 0) <= MEASURED[module] + 160


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_nodes_of_the_examples_do_not_overlap(path):
    boxes = []
    for node in json.loads(path.read_text())["Workflow"]["data"].values():
        found = MODULES.find(node["name"])
        height = MEASURED.get(node["name"]) or drawn_height(found.config)
        boxes.append((node["pos_x"], node["pos_y"], node["pos_x"] + WIDTH, node["pos_y"] + height))
    for (left, top, right, bottom), (other_left, other_top, other_right, other_bottom) in combinations(boxes, 2):
        assert right < other_left or other_right < left or bottom < other_top or other_bottom < top


def test_a_module_that_nobody_knows_gets_the_most_room():
    nodes = {2: ("unheard_of", {}), 3: ("unheard_of", {})}
    drawn = workflow("two", "event-publish", nodes, [(1, 2), (1, 3)])["Workflow"]["data"]
    assert drawn["3"]["pos_y"] - drawn["2"]["pos_y"] >= 900


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_each_example_is_a_blueprint_too_that_misp_takes(path):
    """MISP 2.5.1 answers an internal error to names and descriptions of more than 191 characters."""
    row = json.loads(path.read_text())["Workflow"]
    blueprint = json.loads((ROOT / "examples" / "blueprints" / path.name).read_text())["WorkflowBlueprint"]
    assert blueprint == as_blueprint({"Workflow": row})["WorkflowBlueprint"], "run python examples/workflows/build.py"
    assert (
        len(row["description"]) <= 191 and blueprint["description"] == f"For {row['trigger_id']}. {row['description']}"
    )
    assert len(blueprint["description"]) <= 191 and len(json.dumps(blueprint["data"])) < 65_000
    assert "trigger" not in {node["data"]["module_type"] for node in blueprint["data"]}
    attached = attach_blueprint(row["trigger_id"], {"WorkflowBlueprint": blueprint}).graph
    whole = load({"Workflow": row}).graph
    assert [node.module for node in attached.nodes.values()] == [node.module for node in whole.nodes.values()]
    assert [len(list(node.edges())) for node in attached.nodes.values()] == [
        len(list(node.edges())) for node in whole.nodes.values()
    ]


def test_a_description_that_misp_cannot_keep_is_cut():
    long = workflow("n", "event-publish", {2: ("push-zmq", {})}, [(1, 2)], note="x" * 400)
    assert len(as_blueprint(long)["WorkflowBlueprint"]["description"]) == 191
