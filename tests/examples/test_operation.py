"""The files for running it in earnest: units that systemd takes, rules that fire, numbers that are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.delivery import verdicts

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "examples" / "systemd"
MONITORING = ROOT / "examples" / "monitoring"
UNITS = sorted([*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")])


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the metrics that `misp-workflow metrics` writes."""
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path))
    verdicts.count(tmp_path, "publish_gate", "passed")
    return set(re.findall(r"^# TYPE (\w+)", CliRunner().invoke(main, ["metrics"]).output, re.MULTILINE))


def test_rules_and_board_use_numbers_that_are_there(numbers: set[str]) -> None:
    for file in (MONITORING / "misp-workflow.rules.yml", MONITORING / "misp-workflow.grafana.json"):
        used = set(re.findall(r"\b(misp_workflow_\w+)\b", file.read_text()))
        assert used and used <= numbers, used - numbers
    panels = json.loads((MONITORING / "misp-workflow.grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 8


def test_the_rules_fire_when_they_should(tmp_path: Path) -> None:
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed here (Debian: prometheus)")
    for words in (["check", "rules", "misp-workflow.rules.yml"], ["test", "rules", "misp-workflow.rules.test.yml"]):
        done = subprocess.run([promtool, *words], cwd=MONITORING, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], str]
) -> None:
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed here (Debian: prometheus)")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path))
    text = CliRunner().invoke(main, ["metrics"]).output
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is not installed here (Debian: systemd)")
    for one in UNITS:  # with a program that is there, in place of the one on the operator's machine
        (tmp_path / one.name).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", one.read_text(), flags=re.M))
    done = subprocess.run([analyze, "verify", tmp_path / unit.name], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert ours == [], done.stderr


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_units_run_commands_that_are_there(unit: Path) -> None:
    [words] = re.findall(r"^ExecStart=\S+/misp-workflow (.*)$", unit.read_text(), re.MULTILINE)
    done = CliRunner().invoke(main, [*words.split(), "--help"])
    assert done.exit_code == 0, done.output
    assert "StateDirectory=misp-workflow\n" in unit.read_text(), "where misp-modules keeps its own"


def test_the_drop_in_is_what_the_page_says() -> None:
    lines = [line for line in (SYSTEMD / "misp-modules.conf").read_text().splitlines() if line and line[0] not in "#["]
    page = (ROOT / "docs" / "install.md").read_text()
    assert "StateDirectory=misp-workflow" in lines and all(
        line.split("=")[0] in page or "Environment" in line for line in lines
    )
