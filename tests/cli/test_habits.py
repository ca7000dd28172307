"""What people expect of any command: quiet, verbose, colours, completion, statuses that mean something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow import installed
from misp_workflow.cli import COMMANDS, main
from misp_workflow.testing import Receiver

ROOT = Path(__file__).parents[2]
WORKFLOW = str(ROOT / "examples/workflows/hold-what-is-not-marked.json")
EVENT = ["--event", str(ROOT / "examples/events/shareable.json")]


def said(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "misp_workflow", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def test_quiet_leaves_remarks_out_and_nothing_else(tmp_path: Path) -> None:
    state = {"MISP_WORKFLOW_STATE": str(tmp_path)}
    loud, quiet = said("outbox", **state), said("--quiet", "outbox", **state)
    assert loud.stdout == quiet.stdout and str(tmp_path) in loud.stderr
    assert quiet.stderr == ""
    assert said("--quiet", "run", "no-such-file", *EVENT).stderr != ""


def test_verbose_shows_what_is_logged(tmp_path: Path, receiver: Receiver) -> None:
    words = ["module", "http_request", *EVENT, "--send", "--param", f"url={receiver.url}"]
    state = {"MISP_WORKFLOW_STATE": str(tmp_path)}
    assert "DEBUG misp_workflow.delivery: delivered" in said("-vv", *words, "--param", "body=1", **state).stderr
    assert "DEBUG" not in said("-v", *words, "--param", "body=2", **state).stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str) -> None:
    script = said(_MISP_WORKFLOW_COMPLETE=f"{shell}_source").stdout
    if script == "":  # python -m names the program otherwise than the script does
        installed = Path(sys.executable).with_name("misp-workflow")
        environment = {**os.environ, "_MISP_WORKFLOW_COMPLETE": f"{shell}_source"}
        script = subprocess.run([installed], capture_output=True, text=True, env=environment).stdout
    assert "misp-workflow" in script


def test_completion_knows_the_commands_and_their_options() -> None:
    installed = Path(sys.executable).with_name("misp-workflow")

    def completed(words: str, place: int) -> str:
        asked = {"_MISP_WORKFLOW_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        return subprocess.run([installed], capture_output=True, text=True, env={**os.environ, **asked}).stdout

    assert "plain,backtest" in completed("misp-workflow back", 1)
    assert "--misp-compare" in completed("misp-workflow run --misp", 2)


def test_no_color_takes_the_colours_away() -> None:
    coloured = said("actions", "slack", FORCE_COLOR="1", NO_COLOR="").stdout
    assert "\x1b[3" in coloured
    assert "\x1b[3" not in said("actions", "slack", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_the_page_tells_the_statuses_of_every_command() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert {"0", "1", "2", "130"} == set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE))
    for name in COMMANDS:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_a_misspelt_command_is_told_the_nearest() -> None:
    told = said("outbx")
    assert (told.returncode, told.stdout) == (2, "")
    assert "There is no command “outbx”; the nearest name is “outbox”." in told.stderr
    assert "\x1b" not in said("outbo\x1bx").stderr and "No such command 'zzz'" in said("zzz").stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["run", WORKFLOW, *EVENT, "--offline"], 0),
        (["run", WORKFLOW, *EVENT, "--offline", "--answer", "publish_gate=error:no"], 1),
        (["run", "no-such-file", *EVENT], 2),
        (["no-such-command"], 2),
    ],
)
def test_statuses(words: list[str], status: int) -> None:
    assert said(*words).returncode == status


def test_the_docs_of_others_are_not_taken_for_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()  # as some packages leave one beside ours
    monkeypatch.setattr(installed, "FOLDER", tmp_path / "misp_modules" / "modules" / "action_mod")
    assert installed.pages() != tmp_path
    (tmp_path / "docs" / "install.md").touch()
    assert installed.pages() == tmp_path
