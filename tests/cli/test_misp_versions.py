"""The commands under several versions of MISP: chosen, compared, from the settings, from a MISP that is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import main
from misp_workflow.errors import SettingsError
from misp_workflow.runner.graph.build import workflow
from misp_workflow.settings import load
from misp_workflow.testing.misp import MispStandIn

EVENT = {
    "Event": {
        "id": "7",
        "Tag": [{"name": "TLP:RED", "local": False}, {"name": "x:y", "local": False}],
        "Attribute": [{"id": "1", "event_id": "7", "type": "ip-src", "value": "198.51.100.1", "timestamp": "1"}],
    }
}
REPLACE = {2: ("tag_replacement_tlp", {"scope": "event"}), 3: ("stop-execution", {"message": ""})}
Write = Callable[..., str]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a chain of nodes behind a trigger, or the event, and return the file's path."""

    def written(nodes: dict[int, Any] | None = None, trigger: str = "event-publish", name: str = "w") -> str:
        document = EVENT if nodes is None else workflow("W", trigger, nodes, [(key - 1, key) for key in nodes])
        file = tmp_path / f"{name if nodes else 'event'}.json"
        file.write_text(json.dumps(document))
        return str(file)

    return written


def test_the_version_decides(write: Write) -> None:
    event = write()
    old, dead = (call("run", write(REPLACE), "--event", event, "--misp", version) for version in ("2.5.1", "2.5.19"))
    assert "blocked" in old.output and "ArgumentCountError" in dead.output
    newest = call("run", write(REPLACE), "--event", event)
    assert "not established" in newest.output and "blocked" in newest.output
    strict = call("run", write(REPLACE), "--event", event, "--strict")
    assert strict.exit_code == 1 and "stop-execution" not in strict.output
    wrong = CliRunner().invoke(main, ["run", write(REPLACE), "--event", event, "--misp", "3"])
    assert wrong.exit_code == 2 and "2.5.50" in wrong.output


def test_two_versions_side_by_side(write: Write) -> None:
    event = write()
    done = call("run", write(REPLACE), "--event", event, "--misp-compare", "2.5.1", "2.5.19")
    assert done.exit_code == 1
    assert "MISP 2.5.1 " in done.output and "crash: ArgumentCountError" in done.output
    assert "tag_replacement_tlp" in done.output and "distribution-if" not in done.output  # what is not used is not told
    assert "1. ≠" in done.output and "end ≠" in done.output
    same = call("run", write({2: ("push-zmq", {})}), "--event", event, "--misp-compare", "2.5.1", "2.5.50")
    assert same.exit_code == 0 and "No difference" in same.output


def test_what_comes_after_the_first_difference_is_no_reason_for_it(write: Write) -> None:
    branch = ("distribution-if", {"condition": "equals", "distribution": "0"})
    for place, told in ((3, False), (2, True)):
        nodes = {2: REPLACE[2], 3: REPLACE[2], place: branch}
        done = call("run", write(nodes), "--event", write(), "--misp-compare", "2.5.1", "2.5.50")
        assert "≠" in done.output and ("distribution-if" in done.output.partition("may be why:")[2]) is told


def _rules(file: str, *version: str) -> set[tuple[str, int]]:
    """The findings of check: each rule with its node."""
    found = json.loads(call("--quiet", "check", file, "--json", *version).output)
    return {(one["rule"], one["node"]["id"]) for one in next(iter(found.values())) if one["node"]}


def test_check_tells_what_a_version_breaks(write: Write) -> None:
    nodes = {
        2: ("filter-tag", {"scope": "attribute", "tags": ["x:y"]}),
        3: ("attribute_ids_flag_operation", {"action": "remove"}),
        4: ("tag_operation", {"scope": "event", "action": "remove", "tags": ["x:y"]}),
        5: ("tag_replacement_pap", {}),
        6: ("tag_operation", {"tags": ["x:y"]}),
        7: ("mattermost", {"url": "https://a.example"}),
        8: ("generic-filter-reset", {}),
    }
    broken = {("overwrites", 3), ("holes", 4), ("dies", 5), ("untagged", 6), ("silent-end", 2)}
    file = write(nodes)
    assert broken <= _rules(file, "--misp", "2.5.19")
    assert not broken & _rules(file, "--misp", "2.5.1") and not broken & _rules(file)
    later = _rules(file, "--misp", "2.5.32")
    assert broken & later == {("overwrites", 3), ("holes", 4), ("silent-end", 2)} and ("not-established", 5) in later
    task = {2: ("concurrent-task", {}), 3: ("push-zmq", {})}
    assert "128 KiB" in call("check", write(task), "--misp", "2.5.19").output
    assert "128 KiB" not in call("check", write(task)).output


def test_check_tells_of_no_harm_where_the_event_is_read_anew(write: Write) -> None:
    nodes = {
        2: ("filter-tag", {"scope": "attribute", "tags": ["x:y"]}),
        3: ("attribute_ids_flag_operation", {"action": "remove"}),
        4: ("tag_operation", {"scope": "event", "action": "remove", "tags": ["x:y"]}),
        5: ("reload-full-event", {}),
        6: ("mattermost", {"url": "https://a.example"}),
    }
    assert not {("overwrites", 3), ("holes", 4)} & _rules(write(nodes), "--misp", "2.5.19")
    own = {2: ("tag_operation", {"action": "remove", "tags": ["x:y"]}), 3: ("http_request", {})}
    assert ("holes", 2) not in _rules(write(own), "--misp", "2.5.19")  # this package's read either


@pytest.mark.parametrize(("version", "base"), [("2.5.10", "2.5.1"), ("2.5.20", "2.5.19"), ("2.5.50", "2.5.19")])
def test_a_version_that_was_not_recorded_says_as_which_it_runs(write: Write, version: str, base: str) -> None:
    told = call("check", write({2: ("push-zmq", {})}), "--misp", version)
    assert f"MISP {version} was not recorded; it runs as {base} with" in told.output
    assert "not recorded" not in call("check", write({2: ("push-zmq", {})}), "--misp", base).output


def test_an_ad_hoc_workflow_beside(write: Write) -> None:
    nodes = {2: ("run-workflow", {"workflows": ["adhoc_1 :: inner"], "input_data": "roaming_data"})}
    document = workflow("inner", "adhoc_1", {2: ("push-zmq", {})}, [(1, 2)])
    document["Workflow"]["data"]["1"]["data"]["indexed_params"] = {"scope": "passed_roaming_data"}
    file = Path(write(nodes)).with_name("inner.json")
    file.write_text(json.dumps(document))
    done = call("run", write(nodes), "--event", write(), "--adhoc", str(file))
    assert done.exit_code == 0 and "1 time in all" in done.output
    assert "adhoc_1 is none of the ad-hoc workflows given" in call("run", write(nodes), "--event", write()).output


def test_the_version_of_the_settings(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings.toml"
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    settings.write_text('[misp]\nversion = "2.5.19"\n')
    assert "ArgumentCountError" in call("run", write(REPLACE), "--event", write()).output
    odd = tmp_path / "odd.toml"
    odd.write_text('[misp]\nversion = "newest"\n')
    with pytest.raises(SettingsError, match="is no version of MISP"):
        load(odd)


def test_a_misp_is_asked_which_it_is(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings.toml"
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    with MispStandIn() as misp:
        settings.write_text(f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
        settings.chmod(0o600)
        asked = call("run", write(REPLACE), "--event", write(), "--offline", "--misp", "ask")
        assert not [one for one in misp.requests if "getVersion" not in one.target]
        url = misp.url
    assert "blocked" in asked.output and "not established" not in asked.output
    gone = tmp_path / "gone.toml"
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(gone))
    gone.write_text(f'[misp]\nurl = "{url}"\nkey = "none"\n')
    gone.chmod(0o600)
    silent = call("run", write(REPLACE), "--event", write(), "--offline", "--misp", "ask")
    assert "did not say its version" in silent.output and "not established" in silent.output


def test_of_several_misps_none_is_asked_unsaid(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest was taken, whichever was meant."""
    settings = tmp_path / "settings.toml"
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    settings.write_text('[misp.hub]\nurl = "http://127.0.0.1:9"\n[misp.partners]\nurl = "http://127.0.0.1:9"\n')
    asked = call("run", write(REPLACE), "--event", write(), "--offline", "--misp", "ask")
    assert asked.exit_code == 2
    assert "Which MISP shall be asked? The settings name hub, partners: give its version" in asked.output


def test_a_node_of_which_misp_dies_is_no_success(write: Write) -> None:
    died = call("run", write({2: ("generic-filter-reset", {"filtering-label": "A"})}), "--event", write())
    assert "✘ crash generic-filter-reset (2)" in died.output
    nodes = {2: ("filter-timestamp", {}), 3: ("push-zmq", {})}
    given_up = call("run", write(nodes), "--event", write(), "--strict")
    assert "skipped filter-timestamp (2)" in given_up.output and "push-zmq" not in given_up.output


def test_what_no_run_shows_is_no_reason_for_a_difference(write: Write) -> None:
    compared = call("run", write(REPLACE), "--event", write(), "--misp-compare", "2.5.1", "2.5.49")
    assert "ArgumentCountError" in compared.output
    assert "background_jobs" not in compared.output and "timeout" not in compared.output


def _line(done: Result) -> str:
    """The output as one line: where it is broken depends on the terminal."""
    return " ".join(done.output.split())


def _adhoc(file: Path, nodes: dict[int, Any], scope: str = "events") -> str:
    document = workflow("inner", "adhoc_1", nodes, [(key - 1, key) for key in nodes])
    document["Workflow"]["data"]["1"]["data"]["indexed_params"] = {"scope": scope, "filters": "{}"}
    file.write_text(json.dumps(document))
    return str(file)


def test_an_ad_hoc_workflow_by_itself(write: Write, tmp_path: Path) -> None:
    file = _adhoc(tmp_path / "adhoc.json", {2: ("push-zmq", {})})
    done = call("run", file, "--event", write())
    assert done.exit_code == 0 and "push-zmq (2)" in done.output and "stands for what it finds" in _line(done)
    assert not _rules(file, "--misp", "2.5.50")
    ids = _adhoc(tmp_path / "ids.json", {2: ("push-zmq", {})}, "passed_event_ids")
    none = call("run", ids, "--event", write())
    assert none.exit_code == 1 and "No data collected." in none.output and "found none here" in _line(none)


def test_what_is_not_established_in_an_ad_hoc_workflow_is_said(write: Write, tmp_path: Path) -> None:
    inner = _adhoc(tmp_path / "adhoc.json", {2: ("filter-timestamp", {})})
    nodes = {2: ("run-workflow", {"workflows": ["adhoc_1 :: inner"]}), 3: ("run-workflow", {"workflows": ["adhoc_1"]})}
    done = call("run", write(nodes), "--event", write(), "--adhoc", inner)
    assert _line(done).count("filter-timestamp in adhoc_1: How this MISP compares times is not established.") == 1


def test_a_blueprint_behind_the_ad_hoc_trigger(write: Write, tmp_path: Path) -> None:
    blueprint = json.loads(Path(write({2: ("push-zmq", {})})).read_text())["Workflow"]
    file = tmp_path / "blueprint.json"
    file.write_text(json.dumps({"WorkflowBlueprint": {"name": "B", "data": list(blueprint["data"].values())}}))
    assert (
        "push-zmq (2)" in call("run", "--blueprint", str(file), "--trigger", "adhoc-trigger", "--event", write()).output
    )


@pytest.mark.parametrize(
    ("trigger", "version", "said"),
    [
        ("event-before-delete", "2.5.19", "MISP 2.5.19 has no trigger event-before-delete; it came with 2.5.32."),
        ("post-after-save", "2.5.50", "MISP 2.5.50 has no trigger post-after-save; it went with 2.5.50."),
    ],
)
def test_a_trigger_of_other_versions(write: Write, trigger: str, version: str, said: str) -> None:
    file = write({2: ("push-zmq", {})}, trigger)
    assert said in _line(call("check", file, "--misp", version))
    assert "unknown-trigger" not in call("check", file).output
    event = Path(write())
    if trigger.startswith("post-"):
        event.write_text(json.dumps({"Post": {"id": "1"}}))
    assert said in _line(call("run", file, "--event", str(event), "--misp", version))


@pytest.mark.parametrize(("version", "in_doubt"), [("2.5.1", False), ("2.5.27", True), ("2.5.40", False)])
def test_a_block_that_may_not_hold_is_said(write: Write, version: str, in_doubt: bool) -> None:
    file, event, said = write({2: ("stop-execution", {"message": ""})}), write(), "though a workflow blocks it"
    gate = write({2: ("publish_gate", {"forbid_tags": "tlp:red"})}, name="gate")
    for command in (["run", file, "--event", event], ["check", file], ["faults", gate, "--event", event]):
        assert (said in _line(call(*command, "--misp", version))) is in_doubt
    assert (said in _line(call("run", file, "--event", event, "--misp-compare", "2.5.1", version))) is in_doubt
    passing = write({2: ("push-zmq", {})}, name="passing")
    assert said not in _line(call("check", passing, "--misp", version))
    assert said not in _line(call("run", passing, "--event", event, "--misp", version))


def test_a_module_of_a_later_version(write: Write) -> None:
    file = write({2: ("filter-tag", {})})
    told = _line(call("check", file, "--misp", "2.5.1"))
    assert "MISP 2.5.1 does not know this module; MISP 2.5.8 does. Upgrade to 2.5.8 or later" in told
    ran = _line(call("run", file, "--event", write(), "--misp", "2.5.1"))
    assert "MISP 2.5.8 does" in ran and "Neither MISP" not in ran


@pytest.mark.parametrize(
    "given", [{"Note": {"object_type": "Event", "object_uuid": "e"}}, {"Event": {"uuid": "e", "Note": [{"note": "x"}]}}]
)
def test_a_note_is_saved(write: Write, given: dict[str, Any]) -> None:
    event = Path(write())
    event.write_text(json.dumps(given))
    done = call("run", write({2: ("push-zmq", {})}, "analyst-data-after-save"), "--event", str(event))
    assert done.exit_code == 0 and "push-zmq (2)" in done.output
    assert ("hands over Note" in done.output) is ("Event" in given)
