"""Where the nodes of a graph are drawn: no two of them over each other, at the sizes that MISP's editor draws."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import drawn_height, workflow
from misp_workflow.runner.modules.catalogue import load
from misp_workflow.runner.modules.moduleapi import LocalServer

ROOT = Path(__file__).resolve().parents[2]
MODULES = load(LocalServer([ROOT / "misp_modules" / "modules" / "action_mod"]), World())
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
    "user_gate": 517,
    "teams_card": 587,
    "hashlookup_check": 762,
}
WIDTH = 332


@pytest.mark.parametrize("module", MEASURED)
def test_no_node_is_higher_than_is_kept_free(module):
    found = MODULES.find(module)
    assert found is not None
    assert MEASURED[module] <= drawn_height(found.config) <= MEASURED[module] + 160


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
