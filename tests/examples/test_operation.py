"""The files for running it in earnest: units that systemd takes, rules that fire, numbers that are there."""

from __future__ import annotations

import json
import re
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


def test_the_rules_fire_when_they_should(program: Callable[[str], str]) -> None:
    promtool = program("promtool")
    for words in (["check", "rules", "misp-workflow.rules.yml"], ["test", "rules", "misp-workflow.rules.test.yml"]):
        done = subprocess.run([promtool, *words], cwd=MONITORING, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], str]
) -> None:
    promtool = program("promtool")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path))
    text = CliRunner().invoke(main, ["metrics"]).output
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path, program: Callable[[str], str]) -> None:
    analyze = program("systemd-analyze")
    for one in UNITS:  # with a program that is there, in place of the one on the operator's machine
        (tmp_path / one.name).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", one.read_text(), flags=re.M))
    done = subprocess.run([analyze, "verify", tmp_path / unit.name], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert ours == [], done.stderr


def test_systemd_takes_the_drop_in_beside_upstreams_unit(tmp_path: Path, program: Callable[[str], str]) -> None:
    """A setting that systemd does not know is only a warning of its: so a planted one must be heard of."""
    analyze = program("systemd-analyze")
    unit, folder = tmp_path / "misp-modules.service", tmp_path / "misp-modules.service.d"
    unit.write_text("[Unit]\nDescription=x\n[Service]\nUser=www-data\nExecStart=/bin/true\n")
    folder.mkdir()
    drop_in = (SYSTEMD / "misp-modules.conf").read_text()
    for content, good in ((drop_in, True), (drop_in.replace("StateDirectory=", "StateDirectry="), False)):
        (folder / "misp-workflow.conf").write_text(content)
        done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True)
        assert ("misp-workflow.conf" not in done.stderr) is good, done.stderr


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
