"""What gates say is counted: passed, refused, undecided; in trials, and where nothing can be written, it is not."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.delivery import verdicts
from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
GATE = ActionFile.load(ACTIONS / "publish_gate.py")
EVENT = {"Event": {"id": "1", "uuid": "e4046d41-4725-48fb-8959-e98208bd0577", "info": "x", "Attribute": []}}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def ask(**params: str) -> dict[str, Any]:
    return GATE.ask(json.dumps({"module": "publish_gate", "data": EVENT, "params": params}).encode())


def eventually(state: Path, total: int) -> dict[str, int]:
    """Return the counts by verdict once there are so many: counting is done behind the answer, so as not to delay it."""
    end = time.monotonic() + 120
    while sum(verdicts.counts(state).values()) < total:
        assert time.monotonic() < end, verdicts.counts(state)
        time.sleep(0.01)
    return {verdict: number for (_, verdict), number in verdicts.counts(state).items()}


def test_each_verdict_is_counted_once(state: Path) -> None:
    assert "data" in ask(forbidden_tags="tlp:red")
    for _ in range(2):
        assert "error" in ask(required_tags="tlp:*")
    assert "error" in ask(no_such_parameter="1")
    assert eventually(state, 4) == {"passed": 1, "refused": 2, "undecided": 1}


def test_a_verdict_that_comes_too_late_is_none(state: Path, tmp_path: Path) -> None:
    gate = tmp_path / "slow_gate.py"
    gate.write_text(SLOW)
    action = ActionFile.load(gate)
    assert "error" in action.served(json.dumps({"module": "slow_gate", "data": EVENT, "timeout": 0.2}).encode())
    action.module.GO_ON.set()
    assert eventually(state, 1) == {"undecided": 1}


SLOW = """
import threading

from misp_workflow.action import Pass, expose

GO_ON = threading.Event()
moduleinfo = {"version": "1", "name": "Slow", "description": "", "features": "", "references": []}
moduleconfig = {"params": {}, "blocking": True, "support_filters": False, "expect_misp_core_format": False}


def decide(call):
    GO_ON.wait(60)
    return Pass(notes=("Late.",))


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
"""


def test_trials_are_not_counted(state: Path) -> None:
    words = ["module", "publish_gate", "--event", str(ACTIONS.parents[2] / "examples/events/shareable.json")]
    assert CliRunner().invoke(main, [*words, "--param", "required_tags=tlp:*"]).exit_code == 0
    assert verdicts.counts(state) == {}


def test_what_cannot_be_counted_changes_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    assert "tlp" in ask(required_tags="tlp:*")["error"]


def test_processes_and_threads_lose_nothing(tmp_path: Path) -> None:
    def many() -> None:
        for _ in range(200):
            verdicts.count(tmp_path, "publish_gate", "passed")

    threads = [threading.Thread(target=many) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts.counts(tmp_path) == {("publish_gate", "passed"): 1000}


def test_monitoring_gets_them_in_a_whole_file(state: Path, tmp_path: Path) -> None:
    for verdict in ("passed", "passed", "refused", "undecided"):
        verdicts.count(state, "publish_gate", verdict)
    file = tmp_path / "misp-workflow.prom"
    assert CliRunner().invoke(main, ["metrics", "--file", str(file)]).exit_code == 0
    lines = file.read_text().splitlines()
    assert 'misp_workflow_gate_verdicts_total{gate="publish_gate",verdict="passed"} 2' in lines
    assert 'misp_workflow_gate_verdicts_total{gate="publish_gate",verdict="undecided"} 1' in lines
    assert "misp_workflow_settings_in_force 1" in lines
    assert any(line.startswith("misp_workflow_info{version=") for line in lines)
    assert file.stat().st_mode & 0o777 == 0o644 and len([*tmp_path.glob("*prom*")]) == 1
