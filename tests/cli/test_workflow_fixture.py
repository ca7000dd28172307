"""The fixture for people who test their own actions and workflows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.runner.graph.build import workflow as build
from misp_workflow.testing.workflows import WorkflowUnderTest

Workflows = Callable[..., WorkflowUnderTest]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "workflows"


def test_a_file_and_an_event(workflow: Workflows, captures: dict[str, Any]) -> None:
    result = workflow(EXAMPLES / "publish-gate.json").run(captures["event-publish"])
    assert result.success and result.path == ["publish_gate"] and result.reason == ""
    assert result.requests("publish_gate")[0]["params"]["required_tags"] == "tlp:*"
    assert result.answers("publish_gate")[0]["data"]["status"] == "passed"


def test_scripted_answers_in_order(workflow: Workflows, captures: dict[str, Any]) -> None:
    gates = build("two", "event-publish", {2: ("publish_gate", {}), 3: ("publish_gate", {})}, [(1, 2), (2, 3)])
    result = workflow(gates).answer(publish_gate=["ok", "error:not this one"]).run(captures["event-publish"])
    assert not result.success and result.end == "failure" and result.reason == "not this one"
    assert len(result.steps("publish_gate")) == 2
    with pytest.raises(AssertionError, match="visited 2 times"):
        result.step("publish_gate")


def test_a_pymisp_object(workflow: Workflows) -> None:
    from pymisp import MISPEvent

    event = MISPEvent()
    event.info = "from PyMISP"
    event.add_tag("tlp:green")
    event.add_attribute("domain", "evil.example")
    assert workflow(EXAMPLES / "publish-gate.json").run(event).success
    event.add_tag("tlp:red")
    assert "tlp:red" in workflow(EXAMPLES / "publish-gate.json").run(event).reason


def test_own_actions(workflow: Workflows, tmp_path: Path, captures: dict[str, Any]) -> None:
    (tmp_path / "mine.py").write_text(
        "moduleinfo = {'module-type': ['action'], 'name': 'mine'}\n"
        "moduleconfig = {'params': {}, 'blocking': True}\n"
        "def handler(q=False): return {'error': 'mine says no'}\n"
        "def introspection(): return {'config': moduleconfig}\n"
        "def version(): return {**moduleinfo, 'config': moduleconfig}\n"
    )
    mine = build("mine", "event-publish", {2: ("mine", {})}, [(1, 2)])
    assert workflow(mine, actions=[tmp_path]).run(captures["event-publish"]).reason == "mine says no"
