"""Out of MISP and back in changes nothing, and a folder keeps what people wrote."""

from __future__ import annotations

import json

import pytest
from graphs import graph

from misp_workflow.remote import document
from misp_workflow.remote.difference import changes
from misp_workflow.remote.push import State, perform, plan
from misp_workflow.remote.undo import Store
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.triggers import of_version

TRIGGERS = of_version(profile("2.5.1"))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("seed", range(30))
def test_pull_push_pull_is_the_identity(standin, misp, command, tmp_path, seed: int) -> None:
    standin.add_workflow("event-publish", graph(seed), f"Würfel {seed}", description="d", debug_enabled=bool(seed % 2))
    first, second = tmp_path / "first", tmp_path / "second"
    assert command("pull", first).exit_code == 0
    standin.workflows.clear()
    if seed % 3:  # else MISP has none, not even an empty one
        standin.add_workflow("event-publish", {"1": graph(seed)["1"]}, "Empty")
    content, _ = document.read(first / "workflows" / "event-publish.json")
    outcome = perform(misp, plan(State.of(misp), content), Store(tmp_path / "state"))
    assert (outcome.problem, outcome.standing) == ("", "MISP now has exactly this.")
    assert changes(content, misp.workflow("event-publish").content) == []
    assert command("pull", second).exit_code == 0
    assert files(first) == files(second)


def test_every_trigger_has_its_file(standin, command, tmp_path) -> None:
    for place, trigger in enumerate(TRIGGERS):
        standin.add_workflow(trigger, graph(place, trigger), trigger)
    standin.on = {"event-publish", "tag-if"}
    assert command("pull", tmp_path / "all").exit_code == 0
    assert {path.stem for path in (tmp_path / "all" / "workflows").iterdir()} == set(TRIGGERS)
    said = json.loads((tmp_path / "all" / "misp.json").read_text())
    assert said["misp"]["version"] == "2.5.1"
    assert said["enabled"] == {"triggers": ["event-publish"], "modules": ["tag-if"]}
    assert command("diff", tmp_path / "all").output.strip() == "No difference."


def test_git_shows_real_changes_only(standin, command, pulled) -> None:
    before = files(pulled)
    row = standin.workflow_of("event-publish")
    row |= {"timestamp": "1", "counter": "99", "data": dict(reversed(row["data"].items()))}
    assert command("pull", pulled).exit_code == 0
    assert files(pulled) == before


def test_what_was_changed_here_is_not_written_over(standin, command, pulled) -> None:
    file = pulled / "workflows" / "event-publish.json"
    ours = file.read_text().replace("tlp:red", "tlp:amber")
    file.write_text(ours)
    standin.workflow_of("event-publish")["name"] = "changed there"
    refused = command("pull", pulled)
    assert refused.exit_code == 1
    assert "left alone workflows/event-publish.json" in refused.output
    assert file.read_text() == ours
    assert command("pull", "--overwrite", pulled).exit_code == 0
    assert "changed there" in file.read_text()


def test_members_beside_the_workflow_stay(standin, command, pulled) -> None:
    file = pulled / "workflows" / "event-publish.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "checks": {"faults": "x.json"}}))
    standin.workflow_of("event-publish")["name"] = "changed there"
    assert command("pull", pulled).exit_code == 0
    said = json.loads(file.read_text())
    assert (said["checks"], said["Workflow"]["name"]) == ({"faults": "x.json"}, "changed there")


def test_what_misp_deleted_goes_here_too_unless_it_was_changed(standin, command, pulled) -> None:
    file = pulled / "workflows" / "event-publish.json"
    text = file.read_text()
    standin.workflows.clear()
    file.write_text(text.replace("tlp:red", "tlp:amber"))
    assert command("pull", pulled).exit_code == 1
    assert file.exists()
    file.write_text(text)
    assert command("pull", pulled).exit_code == 0
    assert not file.exists()


def test_blueprints_come_along(standin, command, tmp_path) -> None:
    row = {"id": "3", "uuid": "u", "name": "Attach TLP", "description": "", "timestamp": "1", "default": True}
    standin.blueprint_rows.append({**row, "data": [graph(1)["1"]]})
    assert command("pull", tmp_path / "b").exit_code == 0
    said = json.loads((tmp_path / "b" / "blueprints" / "attach-tlp.json").read_text())
    assert said["WorkflowBlueprint"]["name"] == "Attach TLP"
    standin.add_workflow("event-publish", graph(1))
    assert command("pull", tmp_path / "b").exit_code == 0
    standin.blueprint_rows[0]["description"] = "another"
    assert "attach-tlp.json: the blueprint is another one in MISP." in command("diff", tmp_path / "b").output
    standin.blueprint_rows.append({"id": "4", "data": "{no"})  # MISP then lists none
    again = command("pull", tmp_path / "b")
    assert again.exit_code == 0
    assert "Their files were left as they are." in again.output
    assert (tmp_path / "b" / "blueprints" / "attach-tlp.json").exists()


def test_a_secret_in_a_node_is_told_and_kept_from_others(standin, command, tmp_path) -> None:
    drawn = graph(3)
    drawn["1"]["data"]["indexed_params"] = {"api_key": "sesame-sesame"}
    standin.add_workflow("event-publish", drawn)
    said = command("pull", tmp_path / "s")
    assert "holds a secret" in said.output
    assert "sesame" not in said.output
    file = tmp_path / "s" / "workflows" / "event-publish.json"
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o644)  # as pulled by a version that saw to no secrets
    before = file.read_text()
    assert "0 written" in command("pull", tmp_path / "s").output
    assert file.stat().st_mode & 0o077 == 0 and file.read_text() == before


def test_a_key_that_may_not_look_is_told_so(standin, command, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("READER", standin.read_only_key)
    said = command("pull", "--misp-url", standin.url + "/", "--misp-key", "env:READER", tmp_path / "x")
    assert said.exit_code == 2
    assert "role or organisation lacks the permission" in said.output
    assert command("pull", "--misp-key", "literal", tmp_path / "x").exit_code == 2
