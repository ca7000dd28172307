"""A gate that was handed what it cannot judge says so in one reason: a backtest counts those between semicolons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
GATES = {
    "publish_gate": {"required_tags": "tlp:*"},
    "event_gate": {"minimum_distribution": "1"},
    "proposal_gate": {"forbidden_types": "ip-src"},
    "user_gate": {"pgp_key_required": "true"},
    "enrichment_guard": {"forbidden_tags": "tlp:red"},
}


@pytest.mark.parametrize("gate", GATES)
def test_what_it_cannot_judge_is_one_reason(gate: str) -> None:
    request = {"module": gate, "data": {"Log": {"id": "1", "title": "x"}}, "params": GATES[gate]}
    said = ActionFile.load(ACTIONS / f"{gate}.py").module.handler(q=json.dumps(request))["error"]
    assert said.startswith("This node judges ") and ";" not in said
