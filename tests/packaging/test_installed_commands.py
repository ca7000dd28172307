"""Every command, in the installation that docs/install.md begins with: the wheel in misp-modules' own environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from misp_workflow.cli import COMMANDS
from misp_workflow.runner.graph.build import workflow
from misp_workflow.testing import MispModulesServer

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
HOLD, NOTIFY = (str(EXAMPLES / "workflows" / f"{name}.json") for name in ("hold-what-is-not-marked", "notify-on-tlp"))
EVENT = str(EXAMPLES / "events" / "shareable.json")

CALLS: dict[str, list[tuple[list[str], int, str]]] = {
    "run": [(["run", HOLD, "--event", EVENT, "--offline"], 0, "the event is published")],
    "check": [(["check", HOLD], 0, "no findings"), (["check", "{theirs}"], 0, "")],
    "faults": [(["faults", NOTIFY, "--event", EVENT], 0, "No gate")],
    "module": [(["module", "publish_gate", "--param", "exactly_one_tlp=true", "--event", EVENT], 0, "success")],
    "template": [(["template", "{text}", "--event", EVENT], 0, "Phishing")],
    "actions": [(["actions", "mail"], 0, "email_message")],
    "new": [(["new", "acme_ticket", "--folder", "{folder}-new"], 0, "acme_ticket.py")],
    "debug": [(["debug", "no-such-file"], 2, "no-such-file")],
    "metrics": [(["metrics"], 0, "misp_workflow_info")],
    "route": [(["route", EVENT], 2, "no routes")],
    "mend": [(["mend"], 2, "[misp]")],
    "list": [(["list"], 2, "keep no list")],
    "modules": [(["modules"], 0, "publish_gate")],
    "sent": [(["sent", "7dc15468-008c-5e71-a295-7d13a575d45f"], 1, "")],
    "pull": [(["pull", "{folder}"], 2, "[misp]")],
    "diff": [(["diff", "{folder}"], 2, "")],
    "push": [(["push", NOTIFY], 2, "[misp]")],
    "undo": [(["undo"], 2, "[misp]")],
    "install": [(["install", "notify-on-tlp"], 2, "[misp]"), (["install"], 0, "hold-what-is-not-marked")],
    "backtest": [(["backtest", HOLD, EVENT], 0, "Nothing was sent or changed")],
    "outbox": [(["outbox"], 0, "Nothing waits")],
    "doctor": [(["doctor"], 0, "actions of this package are there")],
    "check-event": [(["check-event", str(EXAMPLES / "rules" / "publish.toml"), EVENT], 0, "1 event")],
}
"""Per command what it is called with, the exit status, and a part of what it says."""


def test_every_command_is_called_here():
    assert set(CALLS) == set(COMMANDS)


def test_every_command_works_beside_upstreams_files(environment, wheel: Path, action_names: list[str], tmp_path: Path):
    """Upstream's action files, of which some cannot be loaded here, lie in the folder of ours: nobody takes them for ours.

    A workflow with one of upstream's nodes is checked with the server there, and with none.
    """
    environment.pip("install", "--no-index", str(wheel))
    places = {"folder": tmp_path / "pulled", "theirs": tmp_path / "theirs.json", "text": tmp_path / "message.txt"}
    places["text"].write_text("{{ event.info }}")
    places["theirs"].write_text(json.dumps(workflow("theirs", "event-publish", {2: ("testaction", {})}, [(1, 2)])))
    settings = tmp_path / "settings.toml"
    variables = {
        "MISP_WORKFLOW_CONFIG": str(settings),
        "MISP_WORKFLOW_STATE": str(tmp_path / "state"),
        "PATH": "/usr/bin:/bin",
    }

    def call(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        command = [str(environment.folder / "bin" / "misp-workflow"), *(one.format(**places) for one in arguments)]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=600)

    wrong: dict[str, str] = {}
    with MispModulesServer(python=environment.python) as server:
        settings.write_text(f'modules_url = "{server.url}"\n')
        settings.chmod(0o600)
        for calls in CALLS.values():
            for arguments, status, part in calls:
                done = call(arguments)
                said = done.stdout + done.stderr
                if "Traceback" in said or done.returncode != status or part not in " ".join(said.split()):
                    wrong[" ".join(arguments)] = f"{done.returncode}: {said[-3000:]}"
        assert f"all {len(action_names)} actions" in call(["doctor"]).stdout
        told = json.loads(call(["check", "--json", str(places["theirs"])]).stdout)
        assert "unknown-module" not in str(told)
    settings.write_text('modules_url = "http://127.0.0.1:9"\n')
    assert "unknown-module" not in call(["check", str(places["theirs"])]).stdout
    assert wrong == {}, "\n".join(f"{name}: {why}" for name, why in wrong.items())
