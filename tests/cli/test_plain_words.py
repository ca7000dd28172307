"""Whatever is wrong with files, terminals and ports, the commands say so in a sentence; and numbers agree with nouns."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import COMMANDS, main
from misp_workflow.cli.checks import settings as settings_check
from misp_workflow.errors import SettingsError
from misp_workflow.runner.graph.build import workflow
from misp_workflow.settings import Settings, load
from misp_workflow.words import counted

ROOT = Path(__file__).resolve().parents[2]
HOLD = str(ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json")
EVENT = str(ROOT / "examples" / "events" / "shareable.json")
RULES = str(ROOT / "examples" / "rules" / "publish.toml")
COMMAND = [sys.executable, "-c", "from misp_workflow.cli import main; main()"]


def call(*arguments: object, **options: object):
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False, **options)


def test_a_page_that_cannot_be_written_is_said_before_anything_runs(tmp_path):
    asked = tmp_path / "asked"
    for place, said in ((tmp_path / "no" / "x.html", "no folder"), (tmp_path, "is a directory")):
        done = call("run", HOLD, "--event", EVENT, "--offline", "--html", place)
        assert done.exit_code == 2 and said in done.output and "success" not in done.output
    assert not asked.exists()


@pytest.mark.skipif(os.name != "posix" or (os.geteuid() == 0 and not Path("/proc/1").exists()), reason="needs /proc")
def test_what_the_system_refuses_later_is_one_sentence():
    done = call("run", HOLD, "--event", EVENT, "--offline", "--html", "/proc/misp-workflow.html")
    assert done.exit_code == 2 and "/proc/misp-workflow.html cannot be" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", HOLD, "--event", EVENT, "--offline"],
        ["run", HOLD, "--event", EVENT, "--offline", "--json"],
        ["check", HOLD],
        ["faults", HOLD, "--event", EVENT],
        ["check-event", RULES, EVENT],
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
def test_an_output_that_is_not_utf_8_loses_letters_and_nothing_else(arguments):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, env=environment, timeout=600)
    assert b"Traceback" not in done.stderr and b"codec" not in done.stderr, done.stderr.decode(errors="replace")
    assert done.returncode in (0, 1) and done.stdout
    if "--json" in arguments:
        assert json.loads(done.stdout)["end"] == "success", "JSON is UTF-8, whatever the terminal"


def test_a_port_that_is_taken_is_said(program):
    environment = Path(sys.executable).parents[1]
    ready = environment / ".ready-{}.{}".format(*sys.version_info)  # made or not: nothing is installed for this
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [program("make"), "-C", ROOT, "-o", ready, "serve", f"PORT={taken.getsockname()[1]}"]
        command += [f"PYTHON={sys.executable}", f"VENV={environment}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and "Choose another port: make serve PORT=6667" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_parameter_beside_the_parameters_is_told_where_it_belongs(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[destinations.soc-chat]\nwebhook_url = 'env:X'\n")
    with pytest.raises(SettingsError, match=r"line 2.*webhook_url.*stands in \[destinations.soc-chat.parameters\]"):
        load(file)
    file.write_text("[destinations.soc-chat]\ntlpp = 'red'\n")
    with pytest.raises(SettingsError, match="the nearest name is “tlp”"):
        load(file)


@pytest.mark.parametrize(("seconds", "found"), [(4.0, False), (9.9, False), (10.0, True), (30.0, True)])
def test_an_answer_later_than_misp_waits_is_a_finding_without_misp_too(seconds, found, tmp_path):
    file = tmp_path / "settings.toml"
    file.touch(mode=0o600)
    told = [one for one in settings_check.check(Settings(path=file, answer_within=seconds)) if one.state == "warning"]
    assert bool(told) == found
    if told:
        assert "MISP waits 10 s" in told[0].what and "lets pass" in told[0].todo


def test_numbers_agree_with_their_nouns(tmp_path):
    assert [counted(1, "event"), counted(0, "event"), counted(2_000, "entry", "entries")] == [
        "1 event",
        "0 events",
        "2,000 entries",
    ]
    unknown = tmp_path / "w.json"
    unknown.write_text(json.dumps(workflow("w", "event-publish", {2: ("no_such", {})}, [(1, 2)])))
    said = call("check", unknown).output + call("check-event", RULES, EVENT).output
    assert "an action module" in " ".join(said.split()) and "1 event: " in said
    assert not re.search(r"\b1 \w+s: |\ba action\b", said)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_has_a_wrong_article(name):
    assert not re.search(r"\ba (action|event|error|effect)\b", call(name, "--help").output)


def test_what_reads_only_the_beginning_is_no_trouble():
    if not shutil.which("head"):
        pytest.skip("there is no head")
    done = subprocess.run(f"'{sys.executable}' -c 'from misp_workflow.cli import main; main()' run {HOLD} --event {EVENT} --offline | head -c 1", shell=True, capture_output=True, text=True, timeout=600)  # fmt: skip
    assert "Traceback" not in done.stderr
