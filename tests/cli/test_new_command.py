"""misp-workflow new: what it writes works as it is, in a checkout and in a folder of one's own."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.testing import MispModulesServer

ROOT = Path(__file__).parents[2]
EVENT = ROOT / "examples" / "events" / "shareable.json"
WORKFLOW = ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json"


def say(*words: str, status: int = 0) -> str:
    told = CliRunner().invoke(main, list(words))
    assert told.exit_code == status, told.output
    return told.output


def pytest_of(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with a new action and a new gate."""
    folder = tmp_path / "mine"
    say("new", "acme_ticket", "--folder", str(folder))
    say("new", "acme_gate", "--gate", "--folder", str(folder))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What an action needs of this project, to be changed."""
    for part in (
        "misp_modules",
        "docs",
        "examples",
        *(f"tests/{room}" for room in ("actions", "contract", "captures", "docs")),
    ):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/conftest.py", "tests/browser.py", "CONTRIBUTING.md", "README.md"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def test_its_own_tests_pass(mine: Path) -> None:
    assert "5 passed" in pytest_of(mine)


def test_its_own_tests_leave_the_users_outbox_alone(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules
) -> None:
    rules("misspelt = 1\n")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    assert "5 passed" in pytest_of(mine)
    assert not (tmp_path / "state").exists()


def test_the_commands_run_it(mine: Path) -> None:
    given = ["--actions", str(mine), "--event", str(EVENT), "--json"]
    told = json.loads(say("module", "acme_gate", *given, "--param", "minimum_length=500", status=1))
    assert "fewer than 500 characters" in told["why"]
    say("module", "acme_ticket", *given, "--param", "server_url=http://127.0.0.1:1", "--param", "token=0123456789abc")


@pytest.mark.parametrize("words", [["acme_ticket"], ["acme_gate", "--gate"]])
def test_the_next_step_in_a_folder_of_ones_own_works(words: list[str], tmp_path: Path) -> None:
    told = say("new", *words, "--folder", str(tmp_path))
    [step] = [line for line in told.splitlines() if line.startswith("  misp-workflow ")]
    say(*shlex.split(step.replace("EVENT.json", str(EVENT)))[1:])


def test_check_and_backtest_know_it(mine: Path, tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.json"
    workflow.write_text(WORKFLOW.read_text().replace("publish_gate", "acme_gate"))

    def rules(*words: str) -> set[str]:
        [found] = json.loads(say("check", str(workflow), "--json", *words, status=1)).values()
        return {one["rule"] for one in found}

    assert rules() == {"unknown-module"}
    assert "unknown-module" not in rules("--actions", str(mine))
    told = json.loads(say("backtest", str(workflow), str(EVENT), "--actions", str(mine), "--json", "--jobs", "1"))
    assert told["ends"] == {"blocked": 1} and "acme_gate" in json.dumps(told["reasons"])


def test_a_folder_without_actions_is_told(tmp_path: Path) -> None:
    said = say("module", "acme_ticket", "--actions", str(tmp_path), "--event", str(EVENT), status=2)
    assert "has no actions" in said


def test_the_real_server_serves_it(mine: Path) -> None:
    with MispModulesServer(custom=mine) as server:
        assert server.loaded() >= {"acme_ticket", "acme_gate"}
        asked = {"module": "acme_gate", "data": json.loads(EVENT.read_text()), "params": {"minimum_length": "500"}}
        assert "fewer than 500 characters" in server.query(asked)["error"]


def test_nothing_is_written_over(mine: Path) -> None:
    said = say("new", "acme_ticket", "--folder", str(mine), status=2)
    assert "is there already" in said


@pytest.mark.parametrize(
    "name", ["slack", "slack_message", "acme-ticket", "Acme_ticket", "../acme_ticket", "tag_operation", "json"]
)
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    say("new", name, "--folder", str(tmp_path), status=2)
    assert [*tmp_path.iterdir()] == []


def test_the_steps_of_contributing_make_an_action(checkout: Path) -> None:
    section = (checkout / "CONTRIBUTING.md").read_text().split("in five steps\n")[1].strip("\n").split("\n\n")[0]
    steps = [line.split("  #")[0].strip() for line in section.splitlines()]
    assert len(steps) == 5
    for step in steps:
        if step.startswith("$EDITOR"):
            change(checkout, step.removeprefix("$EDITOR "))
            continue
        command = step.replace(".venv/bin/python", "python").replace(
            ".venv/bin/misp-workflow", "python -m misp_workflow"
        )
        words = [sys.executable if word == "python" else word for word in shlex.split(command)]
        done = subprocess.run(words, cwd=checkout, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "`ticket_queue`" in (checkout / "docs/actions/acme_ticket.md").read_text()
    assert "acme_ticket" in (checkout / "docs/actions/README.md").read_text()
    with MispModulesServer(custom=checkout / "misp_modules" / "modules") as server:
        assert "acme_ticket" in server.loaded()


def change(folder: Path, pattern: str) -> None:
    """Do in the files of the pattern what somebody would do there with an editor."""
    for file in folder.glob(pattern):
        text = file.read_text().replace(
            '"token": {', '"ticket_queue": {"description": "Queue", "default": "soc"},\n        "token": {'
        )
        file.write_text(text.replace('json={"text"', 'json={"queue": params.ticket_queue, "text"'))


def test_a_new_gate_keeps_to_the_contract_in_a_checkout(checkout: Path) -> None:
    told = say("new", "acme_gate", "--gate", "--folder", str(checkout))
    pytest_of(checkout, "tests/contract", "tests/actions", "-k", "acme")
    changed = {path for path in checkout.rglob("*.*") if "acme_gate" in path.read_text(errors="replace")}
    sources = {str(path) for path in changed if path.suffix in {".md", ".py"}}
    assert sources <= {line.split()[1] for line in told.splitlines() if line.startswith("written")}


def test_the_next_steps_are_those_of_contributing(checkout: Path) -> None:
    told = say("new", "acme_ticket", "--folder", str(checkout))
    steps = [line.strip() for line in told.splitlines() if line.startswith("  .venv")]
    assert len(steps) == 2
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert all(step in text for step in steps)
