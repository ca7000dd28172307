"""Nodes that were saved under a parameter's former name, of which MISP sends nothing."""

from __future__ import annotations

import json

import pytest

from misp_workflow.runner.graph.build import workflow

SAVED = {"tags": "seen", "local": "false", "replaced": "tlp:*"}


def old_graph() -> dict:
    document = workflow("Old", "event-publish", {2: ("misp_tag", SAVED)}, [(1, 2)])
    return document["Workflow"]["data"]


@pytest.fixture
def stored(standin):
    """Return the parameters of the node that MISP has."""
    standin.add_workflow("event-publish", old_graph(), "Old")
    return lambda: standin.workflow_of("event-publish")["data"]["2"]["data"]["indexed_params"]


def test_what_misp_has_is_mended_and_can_be_undone(standin, command, stored, tmp_path) -> None:
    assert command("pull", tmp_path / "had").exit_code == 0
    said = command("check", tmp_path / "had" / "workflows")
    assert said.exit_code == 1
    assert "'misp-workflow mend' puts it under 'local_tags'" in " ".join(said.output.split())
    assert command("mend", "--dry-run").exit_code == 0
    assert stored() == SAVED, "a dry run writes nothing"
    said = command("mend")
    assert said.exit_code == 0, said.output
    assert "MISP now has exactly this." in said.output
    assert stored() == {"tags": "seen", "local_tags": "false", "tags_to_replace": "tlp:*"}
    assert "as they are called now" in command("mend").output
    assert command("undo").exit_code == 0
    assert stored() == SAVED


def test_a_file_is_mended_and_keeps_what_stands_beside(command, tmp_path) -> None:
    file = tmp_path / "old.json"
    graph = old_graph()
    graph["2"]["data"]["indexed_params"]["local_tags"] = "true"
    document = {"Workflow": {"name": "Old", "description": "", "trigger_id": "event-publish", "data": graph}}
    file.write_text(json.dumps({**document, "checks": {"faults": "event.json"}}))
    before = file.read_text()
    assert "to be mended" in command("mend", "--dry-run", file).output
    assert file.read_text() == before
    assert command("mend", file).exit_code == 0
    written = json.loads(file.read_text())
    assert written["checks"] == {"faults": "event.json"}
    params = written["Workflow"]["data"]["2"]["data"]["indexed_params"]
    assert params == {"tags": "seen", "local_tags": "true", "tags_to_replace": "tlp:*"}, "the present name holds"
    assert "as it should be" in command("mend", file).output


def test_a_mended_file_is_read_by_no_more_than_before(command, tmp_path) -> None:
    """A pull made it its owner's only, because of a secret in it."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"Workflow": {"name": "Old", "trigger_id": "event-publish", "data": old_graph()}}))
    path.chmod(0o600)
    assert "mended" in command("mend", path).output
    assert path.stat().st_mode & 0o777 == 0o600
