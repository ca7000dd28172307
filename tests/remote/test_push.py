"""What push refuses, what it keeps, and what it says when it fails half way."""

from __future__ import annotations

import json
import os
import stat

import pytest

from misp_workflow.testing.receiver import CLOSE, answer

FILE = "workflows/event-publish.json"


def edited(pulled, before: str = "tlp:red", after: str = "tlp:amber"):
    file = pulled / FILE
    file.write_text(file.read_text().replace(before, after))
    return file


def graph_text(standin) -> str:
    return json.dumps(standin.workflow_of("event-publish")["data"], sort_keys=True)


def test_a_change_goes_there_and_back(standin, command, pulled) -> None:
    before = graph_text(standin)
    said = command("push", edited(pulled))
    assert said.exit_code == 0, said.output
    assert "tag-if (2): tags: tlp:red → tlp:amber" in said.output
    assert "MISP now has exactly this." in said.output
    assert "tlp:amber" in graph_text(standin)
    assert command("diff", pulled).exit_code == 0
    assert command("push", pulled / FILE).output.count("exactly this already") == 2
    undone = command("undo")
    assert undone.exit_code == 0, undone.output
    assert graph_text(standin) == before
    assert command("undo").exit_code == 2


def test_what_was_there_is_kept_for_its_owner_only(standin, command, pulled, tmp_path) -> None:
    assert command("push", edited(pulled)).exit_code == 0
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no user ids")
def test_nothing_is_kept_among_another_users_files(standin, command, pulled, tmp_path, monkeypatch) -> None:
    before = graph_text(standin)
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "outbox.key").touch()
    file, me = edited(pulled), os.geteuid()
    monkeypatch.setattr("misp_workflow.settings.state.os.geteuid", lambda: me + 1)
    said = command("push", file)
    assert said.exit_code != 0
    assert "undo cannot be written: the state folder" in " ".join(said.output.split())
    assert graph_text(standin) == before


def test_a_dry_run_only_shows(standin, command, pulled) -> None:
    count = len(standin.calls())
    said = command("push", "--dry-run", "--enable", edited(pulled))
    assert said.exit_code == 0
    assert "tags: tlp:red → tlp:amber" in said.output
    assert not [call for call in standin.calls()[count:] if call.startswith("POST")]


def test_an_edit_by_somebody_else_is_seen(standin, command, pulled) -> None:
    standin.workflow_of("event-publish")["data"]["2"]["data"]["indexed_params"]["tags"] = ["tlp:clear"]
    before = graph_text(standin)
    said = command("push", edited(pulled))
    assert said.exit_code == 1
    assert "Somebody changed “Recorded” in MISP since it was pulled" in said.output
    assert graph_text(standin) == before
    assert command("push", "--replace", pulled / FILE).exit_code == 0
    assert command("undo").exit_code == 0
    assert graph_text(standin) == before


def test_another_workflow_of_the_trigger_stays(standin, command, pulled, tmp_path) -> None:
    stranger = tmp_path / "stranger.json"
    stranger.write_text(edited(pulled).read_text())
    said = command("push", stranger)
    assert said.exit_code == 1
    assert "another workflow for event-publish, “Recorded”" in said.output
    assert "tlp:red" in graph_text(standin)
    assert command("push", "--replace", stranger).exit_code == 0


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"node": "3"', '"node": "2"', "runs in a circle"),
        ('"tag-if"', '"tag-iff"', "MISP has no module tag-iff; the nearest name is “tag-if”"),
        ('"event-publish"', '"event-publis"', "MISP has no trigger event-publis"),
        ('"name": "Recorded"', f'"name": "{"x" * 192}"', "Its name has 192 characters; MISP keeps 191 at most."),
        ('"module_type": "trigger"', '"module_type": "action"', "exactly one trigger"),
    ],
)
def test_what_misp_would_not_run_or_save_is_refused(standin, command, pulled, before, after, why) -> None:
    kept = graph_text(standin)
    said = command("push", "--replace", edited(pulled, before, after))
    assert said.exit_code == 1
    assert why in said.output.replace("\n", " ")
    assert graph_text(standin) == kept


def test_trigger_and_modules_are_enabled_when_told_so_and_undone(standin, command, pulled) -> None:
    said = command("push", edited(pulled))
    assert "Not enabled: stop-execution, tag-if, event-publish." in said.output
    assert not standin.on
    said = command("push", "--enable", pulled / FILE)
    assert said.exit_code == 0, said.output
    assert standin.on == {"stop-execution", "tag-if", "event-publish"}
    assert standin.calls("/workflows/toggle")[-1].endswith("event-publish/1/1")
    standin.add_workflow("event-after-save", {"2": {"data": {"id": "tag-if", "module_type": "logic"}}})
    assert command("undo").exit_code == 0
    assert standin.on == {"tag-if"}  # another workflow needs it now


def test_faults_are_tried_where_the_file_asks(standin, command, pulled, tmp_path) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"Event": {"info": "x", "uuid": "u", "id": "1"}}))
    file = edited(pulled, '"stop-execution"', '"publish_gate"')
    said = json.loads(file.read_text())
    said["Workflow"]["data"]["3"]["data"]["indexed_params"] = {"required_tags": "tlp:*"}
    file.write_text(json.dumps({**said, "checks": {"faults": "../../event.json"}}))
    held = command("push", file)
    assert held.exit_code == 1
    assert "faults: publish_gate (3) lets pass, failing with timeout" in held.output
    file.write_text(json.dumps({**said, "checks": {"fault": "x"}}))
    assert '"checks" must read' in command("push", file).output.replace("\n", " ")
    file.write_text(json.dumps(said))
    assert command("push", file).exit_code == 0


CHANGE = "/workflows/toggleModule", "/workflows/edit"


@pytest.mark.parametrize("failing", range(5))
@pytest.mark.parametrize("how", ["refuses", "breaks off", "does it, and breaks off"])
def test_a_push_that_fails_half_way_says_what_stands(standin, command, pulled, failing: int, how: str) -> None:
    """Steps: two modules, the graph, the trigger, the look afterwards."""
    before = graph_text(standin)
    fail(standin, failing, how)
    said = command("push", "--enable", edited(pulled))
    assert said.exit_code == 1, said.output
    flat, new = " ".join(said.output.split()), graph_text(standin) != before
    told = "MISP has the new graph all the same." if new else "MISP still has what was there."
    assert told in flat or "What MISP has now is not known" in flat
    on = flat.partition("Enabled now, and not before: ")[2]
    assert "not known" in flat or all(name in on for name in standin.on)
    standin.always(standin._respond)
    if "misp-workflow undo" in flat:
        assert command("undo").exit_code == 0
    assert graph_text(standin) == before
    assert not standin.on


def fail(standin, step: int, how: str) -> None:
    """Let one step fail: the n-th change, or the first look after the last of them."""
    respond, seen, state = standin._respond, [], {"failed": 0}

    def answering(request):
        changes_something = request.path.startswith(CHANGE)
        if changes_something:
            seen.append(request.target)
        steps = len(set(seen))
        looking = step == 4 and steps == 4 and not changes_something
        if (looking or (changes_something and steps == step + 1)) and state["failed"] < 2:
            state["failed"] += 1  # what breaks off is asked once more: the connection may have been an old one
            if how.startswith("does it"):
                respond(request)
            if how != "refuses":
                return CLOSE
            state["failed"] = 2
            return answer({"name": "no", "message": "no", "errors": "no"}, 500)
        return respond(request)

    standin.always(answering)


def test_a_misp_that_does_not_keep_what_it_was_given_is_found_out(standin, command, pulled) -> None:
    respond = standin._respond

    def forgetting(request):
        said = respond(request)
        if request.path.startswith("/workflows/edit"):
            standin.workflow_of("event-publish")["data"]["3"]["data"]["indexed_params"] = {}
        return said

    standin.always(forgetting)
    said = command("push", edited(pulled))
    assert said.exit_code == 1
    assert "MISP did not keep what was written." in said.output
    assert "message taken out" in said.output


def test_of_several_files_none_is_written_when_one_is_refused(standin, command, pulled, tmp_path) -> None:
    other = tmp_path / "other.json"
    other.write_text(edited(pulled).read_text().replace("event-publish", "no-such-trigger"))
    before = graph_text(standin)
    assert command("push", pulled / FILE, other).exit_code == 1
    assert graph_text(standin) == before
    assert "event-publish as well" in command("push", pulled / FILE, pulled / FILE).output.replace("\n", " ")


def test_nobody_there(command, pulled, standin) -> None:
    standin.always(CLOSE)
    said = command("push", edited(pulled))
    assert said.exit_code == 2
    assert said.output.startswith("misp-workflow: ")
    assert said.output.count("\n") == 1


def test_diff_as_data(standin, command, pulled) -> None:
    edited(pulled)
    said = command("diff", "--json", pulled)
    assert said.exit_code == 1
    change = json.loads(said.output)["changed"]["event-publish"][0]
    assert (change["kind"], change["node"], change["before"], change["after"]) == (
        "parameter",
        "2",
        ["tlp:red"],
        ["tlp:amber"],
    )
