"""The commands as a person calls them: what is printed, and with which exit status they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import COMMANDS, main
from misp_workflow.runner.graph.build import workflow
from misp_workflow.testing import MispModulesServer

ROOT = Path(__file__).resolve().parents[2]
EVENT = str(ROOT / "tests" / "captures" / "event-publish.json")
GATE = str(ROOT / "examples" / "workflows" / "publish-gate.json")
NOTIFY = str(ROOT / "examples" / "workflows" / "notify-on-tlp.json")
HOLDS = str(ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture
def blocked(tmp_path: Path) -> str:
    file = tmp_path / "blocked.json"
    file.write_text(
        json.dumps(workflow("b", "event-publish", {2: ("publish_gate", {"required_tags": "PAP:*"})}, [(1, 2)]))
    )
    return str(file)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    assert name in call("--help").output
    assert call(name, "--help").exit_code == 0


def test_run_prints_the_path_and_the_end(blocked: str) -> None:
    fine = call("run", GATE, "--event", EVENT)
    assert fine.exit_code == 0 and "publish_gate (2)" in fine.output and "success" in fine.output
    stopped = call("run", blocked, "--event", EVENT)
    assert stopped.exit_code == 1 and "no tag matches 'PAP:*'" in stopped.output


def test_run_says_why_a_branch_was_taken() -> None:
    output = call("run", NOTIFY, "--event", EVENT, "--offline").output
    assert "then" in output and "tlp:amber" in output and "slack_message (3)" in output
    assert "not how a gate would judge" in " ".join(output.split())
    assert "not how a gate would judge" not in " ".join(call("run", GATE, "--event", EVENT).output.split())


def test_run_as_json_and_as_a_page(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    done = call("run", GATE, "--event", EVENT, "--json", "--html", str(page))
    assert json.loads(done.output)["end"] == "success"
    assert page.read_text().startswith("<!doctype html>")
    assert "UTC, dry: nothing was sent or changed" in page.read_text()
    assert page.stat().st_mode & 0o077 == 0, "it shows what stands in the event"


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [("ok", 0, "success"), ("error:no way", 1, "no way"), ("timeout", 0, "success"), ("down", 0, "success")],
)
def test_scripted_answers(answer: str, status: int, text: str) -> None:
    done = call("run", GATE, "--event", EVENT, "--answer", f"publish_gate={answer}")
    assert (done.exit_code, text in done.output) == (status, True)


def test_run_through_the_real_server(misp_modules_server: MispModulesServer, blocked: str) -> None:
    done = call("run", blocked, "--event", EVENT, "--server", misp_modules_server.url)
    assert done.exit_code == 1 and "no tag matches 'PAP:*'" in done.output


def test_run_with_a_server_that_is_down() -> None:
    done = call("run", GATE, "--event", EVENT, "--server", "http://127.0.0.1:9")
    assert done.exit_code == 2 and "No misp-modules server answers" in done.output


@pytest.mark.parametrize("shape", ["event", "view", "restsearch", "list", "bare"])
def test_events_in_every_shape(shape: str, tmp_path: Path) -> None:
    data: Any = json.loads(Path(EVENT).read_text())["data"]
    data = {
        "event": data,
        "view": {"Event": data["Event"]},
        "restsearch": {"response": [data]},
        "list": [data],
        "bare": data["Event"],
    }[shape]
    file = tmp_path / "event.json"
    file.write_text(json.dumps(data))
    assert call("run", GATE, "--event", str(file)).exit_code == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "is not JSON"), ("[]", "0 events"), ("7", "no event"), ("[{}, {}]", "2 events")],
)
def test_unusable_events(content: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(content)
    done = CliRunner().invoke(main, ["run", GATE, "--event", str(file)])
    assert done.exit_code == 2 and sentence in done.output and "Traceback" not in done.output


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"Workflow": {}}', '{"Workflow": {"data": 7}}'])
def test_unusable_workflows(content: str, tmp_path: Path) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(content)
    for command in (
        ["run", str(file), "--event", EVENT],
        ["check", str(file)],
        ["faults", str(file), "--event", EVENT],
    ):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2 and "Traceback" not in done.output, done.output


def test_check_and_strict() -> None:
    assert call("check", NOTIFY).exit_code == 0
    assert call("check", GATE).exit_code == 0 and "fails-open" in call("check", GATE).output
    strict = call("check", "--strict", "--json", GATE)
    assert strict.exit_code == 1 and json.loads(strict.output)[GATE][0]["rule"] == "fails-open"


def test_faults_shows_one_row_for_all_that_only_stops() -> None:
    told = call("faults", HOLDS, "--event", EVENT)
    assert "20 combinations of nodes disabled" in " ".join(told.output.split()) and "tag-if disabled" not in told.output
    cells = json.loads(call("faults", HOLDS, "--event", EVENT, "--json").output)["cells"]
    assert {tuple(cell["disabled"]) for cell in cells} >= {("tag-if",), ("stop-execution",)}


def test_faults() -> None:
    done = call("faults", GATE, "--event", EVENT)
    assert done.exit_code == 1 and "GOES ON" in done.output
    cells = json.loads(call("faults", GATE, "--event", EVENT, "--json").output)["cells"]
    assert {cell["failure"] for cell in cells if cell["fails_open"]} >= {"timeout", "down"}
    assert call("faults", NOTIFY, "--event", EVENT).exit_code == 0


def test_module() -> None:
    fine = call("module", "publish_gate", "--param", "required_tags=tlp:*", "--event", EVENT)
    assert fine.exit_code == 0 and "passed" in fine.output
    refused = call("module", "publish_gate", "--param", "required_tags=PAP:*", "--event", EVENT, "--json")
    assert refused.exit_code == 1 and "PAP" in json.loads(refused.output)["errors"][0]
    unknown = CliRunner().invoke(main, ["module", "publish_gat", "--event", EVENT])
    assert unknown.exit_code == 2 and "the nearest name is “publish_gate”" in unknown.output
    assert CliRunner().invoke(main, ["module", "publish_gate", "--param", "x", "--event", EVENT]).exit_code == 2


@pytest.mark.parametrize("name", ["tag-if", "filter-tag", "concurrent-task", "blueprint-logic-module", "push-zmq"])
def test_module_of_misp(name: str) -> None:
    assert name in call("module", name, "--event", EVENT).output


def test_module_says_what_is_not_established() -> None:
    assert "is not established" in call("module", "filter-timestamp", "--event", EVENT).output


BLUEPRINTS = sorted((ROOT.parent / "shared" / "blueprints").glob("*.json"))


@pytest.mark.skipif(not BLUEPRINTS, reason="MISP's official blueprints are not beside the checkout")
@pytest.mark.parametrize("file", BLUEPRINTS, ids=lambda file: file.stem)
def test_official_blueprints_run(file: Path) -> None:
    done = call("run", "--blueprint", str(file), "--trigger", "event-publish", "--event", EVENT, "--offline")
    assert done.exit_code in (0, 1) and "trigger event-publish" in " ".join(done.output.split())


def test_run_says_when_misp_would_not_save_the_graph(tmp_path: Path) -> None:
    graph = tmp_path / "two.json"
    nodes = {2: ("push-zmq", {}), 3: ("push-zmq", {})}
    graph.write_text(json.dumps(workflow("two", "event-publish", nodes, [(1, 2), (1, 3)])))
    said = call("run", str(graph), "--event", EVENT, "--offline").output
    assert "MISP would not save this graph" in said and "One output leads to 2 nodes" in said


HOLD = str(ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json")
SHAREABLE = str(ROOT / "examples" / "events" / "shareable.json")


def test_offline_shows_the_event_published_and_nobody_asked(tmp_path: Path) -> None:
    """A scripted yes of a gate leaves its approval, as a real one does, and is nowhere told as somebody's answer."""
    page = tmp_path / "run.html"
    done = call("run", HOLD, "--event", SHAREABLE, "--offline", "--html", str(page))
    told = " ".join(done.output.split())
    assert done.exit_code == 0 and "success: the event is published" in told
    assert "scripted answer of publish_gate, not asked" in told
    for text in (told, page.read_text()):
        assert "Nobody was asked; this yes is scripted." in text
        assert "It answered with HTTP status" not in text and "asked publish_gate, " not in text
    assert "scripted answer" in call("module", "publish_gate", "--event", SHAREABLE, "--offline").output


@pytest.mark.parametrize("answer", ["error:no", "timeout", "down", "http500", "badjson", "empty", "raises"])
def test_only_a_yes_leaves_an_approval(answer: str) -> None:
    done = call("run", HOLD, "--event", SHAREABLE, "--offline", "--answer", f"publish_gate={answer}")
    assert done.exit_code == 1 and "blocked" in done.output


def test_a_real_answer_is_told_as_one(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    done = call("run", GATE, "--event", EVENT, "--html", str(page))
    assert "asked publish_gate, " in done.output and "It answered with HTTP status 200" in page.read_text()
    assert "scripted" not in done.output + page.read_text()
