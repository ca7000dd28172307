"""Workflows that start themselves: every change is made as MISP would make the workflow hear of it, until all is quiet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.delivery import deliver
from misp_workflow.delivery.changes.marks import MOST_HOPS
from misp_workflow.runner.graph.build import workflow
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
ENDLESS = 50


@pytest.fixture(autouse=True)
def _own_house():
    """The outbox of a test lives in its folder; let go of it at the end."""
    deliver.stop()
    yield
    deliver.stop()


def rounds(
    misp: MispStandIn, event: dict[str, Any], trigger: str, action: str, params: Any, answers: list[Any] | None = None
) -> int:
    """Ask the action once, then again for each trigger that its changes fire; return how often it was asked."""
    asked = 0
    misp.fired = [(trigger, event["Attribute"][0]["uuid"] if trigger.startswith("attribute") else event["uuid"])]
    while misp.fired and asked < ENDLESS:
        fired, uuid = misp.fired.pop(0)
        if fired != trigger:
            continue
        asked += 1
        data = misp.trigger_data(trigger, uuid)
        body = {"module": action, "data": data, "params": params}
        said = ActionFile.load(ACTIONS / f"{action}.py").module.handler(q=json.dumps(body))
        assert "data" in said or "loop" in said["error"], said
        if answers is not None:
            answers.append(said)
    return asked


@pytest.fixture
def event(standin: MispStandIn, use) -> dict[str, Any]:
    use(standin)
    return standin.add_event({"info": "loops", "Attribute": [{"type": "domain", "value": "a.example"}]})


TAG = {"tags": "type:OSINT", "selected_or_all": "all"}


@pytest.mark.parametrize(
    ("trigger", "action", "params", "wanted"),
    [
        ("attribute-after-save", "misp_tag", {**TAG, "local_tags": "false"}, 2),
        ("attribute-after-save", "misp_tag", {**TAG, "local_tags": "true"}, 1),
        ("event-after-save", "misp_tag", {**TAG, "scope": "event", "local_tags": "false"}, 2),
        ("event-after-save", "misp_tag", {**TAG, "scope": "event", "local_tags": "true"}, 1),
        ("attribute-after-save", "misp_attribute_edit", {"to_ids": "false", "selected_or_all": "all"}, 2),
        ("attribute-after-save", "misp_sighting", {"selected_or_all": "all"}, 1),
        ("event-after-save", "misp_event_edit", {"publish": "publish"}, 2),
        ("event-after-save", "misp_event_edit", {"analysis": "completed"}, 2),
    ],
)
def test_a_workflow_that_starts_itself_ends_after_one_round(standin, event, trigger, action, params, wanted):
    assert rounds(standin, event, trigger, action, params) == wanted
    assert standin.repeats == 0


def test_the_second_round_changes_nothing(standin, event):
    rounds(standin, event, "event-after-save", "misp_tag", {**TAG, "scope": "event", "local_tags": "false"})
    assert len(standin.calls("/tags/attachTagToObject")) == 1


@pytest.mark.parametrize(
    ("trigger", "action", "params"),
    [
        (
            "attribute-after-save",
            "misp_attribute_edit",
            {"comment": "{{ attributes[0].comment }}x", "selected_or_all": "all"},
        ),
        ("event-after-save", "misp_event_edit", {"event_info": "{{ event.info }}x"}),
    ],
)
def test_a_node_that_makes_another_change_each_time_is_stopped_by_its_hops(standin, event, trigger, action, params):
    said: list[dict[str, Any]] = []
    asked = rounds(standin, event, trigger, action, params, said)
    assert MOST_HOPS < asked <= MOST_HOPS + 2
    assert "which looks like a loop" in said[-1]["error"]


def test_a_report_on_event_report_after_save_is_written_once(standin, event):
    assert rounds(standin, event, "event-report-after-save", "misp_report", {"title": "t", "message": "m"}) <= 2
    assert len(standin.reports) <= 1


@pytest.mark.parametrize(
    ("trigger", "nodes", "says", "status"),
    [
        (
            "event-after-save",
            {2: ("misp_tag", {"tags": "x", "scope": "event", "local_tags": "false"})},
            "Quiet after 2 runs",
            0,
        ),
        ("event-after-save", {2: ("misp_tag", {"tags": "x", "scope": "event"})}, "Quiet after 1 run:", 0),
        ("event-after-save", {2: ("misp_event_edit", {"event_info": "{{ event.info }}x"})}, "looks like a loop", 0),
        (
            "attribute-after-save",
            {2: ("misp_attribute_edit", {"to_ids": "false", "selected_or_all": "all"})},
            "Quiet after 4 runs",
            0,
        ),
        (
            "event-publish",
            {2: ("slack_message", {"webhook_url": "https://hooks.example/x"})},
            "changes nothing in MISP",
            0,
        ),
    ],
)
def test_the_command_line_shows_whether_a_workflow_comes_to_rest(trigger, nodes, says, status, tmp_path):
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow("loop", trigger, nodes, [(1, 2)])))
    event = ACTIONS.parents[2] / "examples" / "events" / "shareable.json"
    done = CliRunner().invoke(main, ["run", str(file), "--event", str(event), "--loop", "20"])
    assert (done.exit_code, says in " ".join(done.output.split())) == (status, True), done.output


def test_a_loop_that_goes_on_for_longer_than_asked_is_said(tmp_path):
    file = tmp_path / "workflow.json"
    nodes = {2: ("misp_event_edit", {"event_info": "{{ event.info }}x"})}
    file.write_text(json.dumps(workflow("loop", "event-after-save", nodes, [(1, 2)])))
    event = ACTIONS.parents[2] / "examples" / "events" / "shareable.json"
    done = CliRunner().invoke(main, ["run", str(file), "--event", str(event), "--loop", "3"])
    assert (done.exit_code, "Still going after 3 runs" in done.output) == (1, True)
