"""Every example, by its name, into an empty MISP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.cli.examine import findings
from misp_workflow.installed import own_actions
from misp_workflow.remote.document import same
from misp_workflow.remote.examples import example, examples
from misp_workflow.remote.push import LONGEST
from misp_workflow.runner.graph.workflow import attach_blueprint
from misp_workflow.runner.modules.moduleapi import LocalServer, Scripted
from misp_workflow.runner.said.faults import matrix
from misp_workflow.runner.walk.walk import run

NAMES = sorted(examples())
HOLDING = [name for name in NAMES if name.startswith("hold-")]
"""Of which the documentation claims that they hold whatever fails."""
OPEN = {"publish-gate", "guard-enrichment", "gate-users"}
"""Gates that stand alone: of these it says that they fail open."""
SILENCES = {"timeout", "down", "no list", "http500", "badjson", "empty"}
EVENTS = Path(__file__).parents[2] / "examples" / "events"
LISTED = LocalServer(own_actions()).modules()


def of_trigger(trigger: str) -> Any:
    """Return what MISP hands over there."""
    if trigger == "log-after-save":
        return {"Log": {"id": "1", "model": "User", "action": "login_fail", "title": "Failed login attempt"}}
    name = {"user": "user-of-another-domain", "enri": "question-to-one-module"}.get(trigger[:4], "shareable")
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_installed_with_its_answers(standin, misp, command, tmp_path, name: str) -> None:
    one = example(name)
    answers = [f"--set={question.name}={question.default.replace(chr(10), ',')}" for question in one.questions]
    said = command("install", name, "--enable", *answers)
    assert said.exit_code == 0, said.output
    row = standin.workflow_of(one.content.trigger)
    modules = {node.module for node in one.content.nodes()}
    assert modules <= standin.on, "trigger and modules are enabled"
    assert command("pull", tmp_path / "back").exit_code == 0
    back = json.loads(next((tmp_path / "back" / "workflows").iterdir()).read_text())["Workflow"]
    assert (back["name"], back["description"]) == (row["name"], one.content.description)
    assert same(back["data"].keys() - set(), one.content.graph.keys() - set())
    read_back = misp.workflow(one.content.trigger).content
    assert findings(read_back.workflow(), misp.modules(), misp.version())[0] == []
    found = matrix(read_back.workflow(), lambda: of_trigger(one.content.trigger), LISTED)
    assert found.cells, "each example has an action of ours"
    assert {cell.kind for cell in found.open_cells} == (SILENCES if name in OPEN else set())
    assert bool(found.shared_cells) == (name in HOLDING)
    assert command("undo").exit_code == 0
    assert not standin.workflows
    assert not standin.on


def test_answers_stand_in_the_nodes(standin, command) -> None:
    assert command("install", "notify-on-tlp", "--set=tags=tlp:clear,x", "--set=destination=partners").exit_code == 0
    stored = standin.workflow_of("event-publish")["data"]
    params = {node["data"]["id"]: node["data"]["indexed_params"] for node in stored.values()}
    assert params["tag-if"]["tags"] == ["tlp:clear", "x"]
    assert params["slack_message"]["destination"] == "partners"
    assert not standin.on, "nothing is enabled unasked"


def test_nodes_of_one_module_are_asked_for_once_and_all_get_the_answer(standin, command) -> None:
    asked = [question.name for question in example("watch-logins-and-roles").questions]
    assert len(asked) == len(set(asked))
    assert command("install", "watch-logins-and-roles", "--set=destination=soc-chat").exit_code == 0
    stored = standin.workflow_of("log-after-save")["data"]
    params = [node["data"]["indexed_params"] for node in stored.values() if node["data"]["id"] == "mattermost_message"]
    assert [one["destination"] for one in params] == ["soc-chat"] * 2


def test_what_nobody_asked_for(standin, command) -> None:
    assert "the nearest name is “tags”" in command("install", "notify-on-tlp", "--set=tag=x").output
    assert "the nearest name is “notify-on-tlp”" in command("install", "notify-on-tpl").output
    assert "No destination is called “nowhere”" in command(
        "install", "notify-on-tlp", "--set=destination=nowhere", "--dry-run"
    ).output.replace("\n", " ")
    listed = command("install").output
    assert all(name in listed for name in NAMES)
    assert not standin.workflows


@pytest.mark.parametrize("name", NAMES)
def test_as_a_blueprint_it_runs_as_the_example_does(command, tmp_path, name: str) -> None:
    target, one = tmp_path / "blueprint.json", example(name)
    assert command("install", name, "--blueprint", target).exit_code == 0
    row = json.loads(target.read_text())["WorkflowBlueprint"]
    assert max(len(row["name"]), len(row["description"])) <= LONGEST, "MISP answers 500 to a longer one"
    attached = attach_blueprint(one.content.trigger, json.loads(target.read_text()))
    event = {"Event": {"id": "1", "uuid": "u", "info": "x", "threat_level_id": "1", "Tag": [{"name": "tlp:green"}]}}
    ways = []
    for workflow in (one.content.workflow(), attached):
        done = run(workflow, event if "user" not in name else {"id": "1"}, Scripted([]))
        ways.append([(step.node.module, step.outcome) for step in done.steps])
    assert ways[0] == ways[1]


def test_a_blueprint_takes_the_place_of_no_file_and_keeps_a_secret(command, tmp_path) -> None:
    target = tmp_path / "blueprint.json"
    target.write_text("somebody's")
    arguments = ["install", "notify-on-tlp", "--blueprint", target, "--set", "slack_message.bot_token=xoxb-1"]
    said = command(*arguments)
    assert said.exit_code == 2
    assert "is there already" in said.output
    assert target.read_text() == "somebody's"
    target.unlink()
    assert command(*arguments).exit_code == 0
    assert target.stat().st_mode & 0o077 == 0
    assert command(*arguments, "--replace").exit_code == 0
