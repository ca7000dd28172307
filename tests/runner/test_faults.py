"""What gets through when a Python module fails: the fail-open cells that a real MISP has."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.runner.said.faults import KINDS, Matrix, matrix

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod"

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
    assert found.cells and found.open_cells == []
    assert not any(cell.goes_on for cell in found.cells)


def test_a_message_is_no_gate(captures: dict[str, Any]) -> None:
    plain = workflow("tell", "event-publish", {2: ("slack_message", {})}, [(1, 2)])
    found = faults(plain, captures)
    assert found.open_cells == [] and all(cell.goes_on for cell in found.cells)


def test_nothing_gates_a_trigger_that_comes_after_the_deed(captures: dict[str, Any]) -> None:
    late = workflow("late", "event-after-save-new", {2: ("publish_gate", {})}, [(1, 2)])
    assert faults(late, captures, "event-after-save-new").open_cells == []
