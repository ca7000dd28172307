"""What gets through when a Python module fails: the fail-open cells that a real MISP has."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.runner.said.faults import KINDS, Matrix, matrix

ACTIONS = Path(__file__).resolve().parents[3] / "misp_modules" / "modules" / "action_mod"

EXAMPLES = ACTIONS.parents[2] / "examples" / "workflows"
HOLDING = ["hold-what-is-not-marked", "hold-below-community", "hold-red-with-mail"]
SERVICES = ("all is as it should be", "the Enrichment service is off")

# misp-contract, observed on a real MISP 2.5.1: a blocking module on a blocking trigger.
SILENCES = {"timeout", "down", "no list", "http500", "badjson", "empty"}


def faults(document: dict[str, Any], captures: dict[str, Any], capture: str = "event-publish") -> Matrix:
    data = captures[capture]["data"]
    return matrix(load(document), lambda: copy.deepcopy(data), LocalServer([ACTIONS]).modules())


def test_every_silence_of_a_gate_publishes_the_event(captures: dict[str, Any]) -> None:
    plain = workflow("gate", "event-publish", {2: ("publish_gate", {"required_tags": "tlp:*"})}, [(1, 2)])
    found = faults(plain, captures)
    assert {cell.kind for cell in found.cells} == set(KINDS)
    assert {cell.kind for cell in found.open_cells} == SILENCES


def test_the_yes_of_another_run_is_told_apart_from_no_yes() -> None:
    """MISP compares a tag's name, so a gate that fails without a word can pass by what another run left there."""
    event = (EXAMPLES.parent / "events" / "shareable.json").read_bytes()
    graph = load((EXAMPLES / "hold-what-is-not-marked.json").read_bytes())
    found = matrix(graph, lambda: json.loads(event), LocalServer([ACTIONS]).modules())
    assert found.open_cells == []
    assert {cell.kind for cell in found.shared_cells} == SILENCES
    assert all(
        str(cell.around) == "another run on the same event approves at that moment" for cell in found.shared_cells
    )


def test_the_list_of_modules_is_made_sense_of_once_for_all_runs_alike(captures, monkeypatch) -> None:
    """A pack has a hundred modules, and a matrix thousands of runs."""
    made: list[World] = []
    monkeypatch.setattr(
        "misp_workflow.runner.said.faults.load",
        lambda server, world: made.append(world) or catalogue.load(server, world),
    )
    gates = {number: ("publish_gate", {"required_tags": "tlp:*"}) for number in (2, 3, 4)}
    found = faults(workflow("gates", "event-publish", gates, [(1, 2), (2, 3), (3, 4)]), captures)
    assert len(found.cells) == 3 * 2 * len(KINDS) and len(made) == 3  # as listed, not listed, and without the gate


def test_a_module_that_stops_all_workflows_is_said_of_every_run(captures: dict[str, Any]) -> None:
    listed = [{"name": "odd", "meta": {"module-type": ["action"], "config": {"params": {"a": "no array"}}}}]
    document = workflow("odd", "event-publish", {2: ("odd", {})}, [(1, 2)])
    found = matrix(load(document), lambda: copy.deepcopy(captures["event-publish"]["data"]), listed)
    assert {cell.kind for cell in found.cells if cell.end == "crash"} == {*KINDS} - {"no list"}


def test_the_approval_tag_graph_holds(captures: dict[str, Any]) -> None:
    fail_closed = workflow(
        "fail closed",
        "event-publish",
        {
            2: ("publish_gate", {"required_tags": "tlp:*", "approval_tag": "workflow:approved"}),
            3: ("reload-full-event", {}),
            4: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["workflow:approved"]}),
            5: ("tag_operation", {"scope": "event", "action": "remove", "locality": "local",
                                  "tags": ["workflow:approved"]}),
            6: ("stop-execution", {"message": "The gate did not approve."}),
        },
        [(1, 2), (2, 3), (3, 4), (4, 5), (4, 6, 2)],
    )  # fmt: skip
    found = faults(fail_closed, captures)
    assert found.agreed.success, "what the gate says yes to is published"
    assert {cell.around.approval for cell in found.open_cells} == {"local", "global"}, "nothing removes an old yes"


@pytest.mark.parametrize(
    ("name", "version"),
    [(HOLDING[0], "2.5.1"), (HOLDING[0], "2.5.19"), *((name, "2.5.50") for name in HOLDING)],
)
def test_the_holding_examples_hold_in_every_cell(name: str, version: str, captures: dict[str, Any]) -> None:
    """Old approvals of both kinds, each and all of MISP's own nodes disabled, the Enrichment service off."""
    document, data = load((EXAMPLES / f"{name}.json").read_bytes()), captures["event-publish"]["data"]
    listed = LocalServer([ACTIONS]).modules()
    found = matrix(document, lambda: copy.deepcopy(data), listed, world=World(misp=profile(version)))
    gates = [cell for cell in found.cells if cell.gate]
    assert {cell.around.approval for cell in gates} == {"", "local", "global"}
    off = {frozenset({own}) for own in ("tag-if", "tag_operation", "reload-full-event", "stop-execution")}
    assert off <= {cell.around.disabled for cell in gates} and {cell.around.rendering for cell in gates} == {
        True,
        False,
    }
    assert found.open_cells == []
    assert found.agreed.success, "and what the gate says yes to is published"


def test_a_text_that_nobody_renders_is_a_crash_and_no_publication(captures: dict[str, Any]) -> None:
    document = json.loads((EXAMPLES / "hold-below-community.json").read_text())
    for node in document["Workflow"]["data"].values():
        if node["name"] == "stop-execution":
            node["data"]["indexed_params"]["message"] = "Not published."
    data = captures["event-publish"]["data"]
    listed = LocalServer([ACTIONS]).modules()
    found = matrix(load(document), lambda: copy.deepcopy(data), listed, world=World(misp=profile("2.5.1")))
    ends = {(cell.kind, cell.around.rendering): cell.end for cell in found.cells if str(cell.around) in SERVICES}
    assert ends["down", True] == ends["timeout", False] == "crash" and ends["timeout", True] == "blocked"
    assert found.open_cells == []


def test_the_holding_graph_of_before_holds_everything_and_yet_not(captures: dict[str, Any]) -> None:
    """Its trigger says no misp_core_format, so it never reloads; and it removes an old yes only where it is local."""
    removing = {"scope": "event", "action": "remove", "locality": "local", "tags": ["workflow:approved"]}
    looking = {"scope": "event", "condition": "in_or", "tags": ["workflow:approved"]}
    before = workflow(
        "before",
        "event-publish",
        {
            2: ("tag-if", looking),
            3: ("tag_operation", removing),
            4: ("publish_gate", {"required_tags": "tlp:*", "approval_tag": "workflow:approved"}),
            5: ("reload-full-event", {}),
            6: ("tag-if", looking),
            7: ("tag_operation", removing),
            8: ("stop-execution", {}),
        },
        [(1, 2), (2, 3), (2, 4, 2), (3, 4), (4, 5), (5, 6), (6, 7), (6, 8, 2)],
    )
    found = faults(before, captures)
    assert {(cell.around.approval, *cell.around.disabled) for cell in found.open_cells} >= {
        ("local", "tag_operation"),
        ("global",),
    }
    del before["Workflow"]["data"]["1"]["data"]["misp_core_format"]
    assert not faults(before, captures).agreed.success


def test_a_message_is_no_gate(captures: dict[str, Any]) -> None:
    plain = workflow("tell", "event-publish", {2: ("slack_message", {})}, [(1, 2)])
    found = faults(plain, captures)
    assert found.open_cells == [] and all(cell.goes_on for cell in found.cells)


def test_nothing_gates_a_trigger_that_comes_after_the_deed(captures: dict[str, Any]) -> None:
    late = workflow("late", "event-after-save-new", {2: ("publish_gate", {})}, [(1, 2)])
    assert faults(late, captures, "event-after-save-new").open_cells == []
