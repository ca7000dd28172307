"""What the commands print can be read: at 80 columns nothing is squeezed away, and in a pipe nothing is wrapped."""

from __future__ import annotations

import io
import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from misp_workflow.cli import main
from misp_workflow.cli.screen import Console
from misp_workflow.runner.graph.build import workflow

ROOT = Path(__file__).resolve().parents[2]
EVENT = str(ROOT / "tests" / "captures" / "event-publish.json")
LONG = "PAP:" + "-".join(["a-tag-that-nobody-has"] * 8)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def call(*arguments: Any) -> str:
    separate = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}  # click before 8.2
    return CliRunner(**separate).invoke(main, list(map(str, arguments)), catch_exceptions=False).stdout


def chain(folder: Path, *modules: tuple[str, dict[str, Any]], fork: bool = False) -> Path:
    nodes = dict(enumerate(modules, start=2))
    edges = [(1 if fork else key - 1, key) for key in nodes]
    file = folder / "chain.json"
    file.write_text(json.dumps(workflow("A chain", "event-publish", nodes, edges)))
    return file


GATES = [("publish_gate", {"required_tags": "tlp:*"}) for _ in range(12)]


def test_a_long_way_stays_at_the_left(narrow, tmp_path):
    lines = call("run", chain(tmp_path, *GATES), "--event", EVENT, "--offline").splitlines()
    steps = [line for line in lines if "publish_gate (" in line and "scripted answer" not in line]
    assert len(steps) == 12 and {line.index("publish_gate") for line in steps} == {6}
    start = next(place for place, line in enumerate(lines) if "trigger event-publish" in line)
    assert max(map(len, lines[start:])) <= 80


def test_where_the_way_forks_each_branch_is_seen(narrow, tmp_path):
    nodes = {key: ("publish_gate", {"exactly_one_tlp": "true"}) for key in range(2, 7)}
    file = tmp_path / "fork.json"
    file.write_text(json.dumps(workflow("f", "event-publish", nodes, [(1, 2), (2, 3), (3, 4), (2, 5), (5, 6)])))
    lines = call("run", file, "--event", EVENT, "--offline").splitlines()
    places = {
        key: next(line.index("publish_gate") for line in lines if f"publish_gate ({key})" in line) for key in nodes
    }
    assert places[2] < places[3] == places[5] < places[4] == places[6]


def test_in_a_pipe_nothing_is_wrapped(piped, tmp_path):
    blocked = chain(tmp_path, ("publish_gate", {"required_tags": LONG}))
    assert any(f"no tag matches '{LONG}'" in line for line in call("run", blocked, "--event", EVENT).splitlines())
    told = call("module", "publish_gate", "--param", f"required_tags={LONG}", "--event", EVENT)
    assert any(f"no tag matches '{LONG}'" in line for line in told.splitlines())
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[one]\nrequired_tags = ["{LONG}"]\n')
    assert any(f"no tag matches '{LONG}' (rule" in line for line in call("check-event", rules, EVENT).splitlines())
    assert any(
        "takes the silence for a yes." in line and "docs/gates.md" in line
        for line in call("check", blocked).splitlines()
    )


def test_what_is_checked_is_indented_as_a_whole(narrow, tmp_path):
    lines = call("check", chain(tmp_path, GATES[0])).splitlines()
    start = next(place for place, line in enumerate(lines) if "fails-open" in line)
    told = lines[start + 1 : start + 4]
    assert all(line.startswith(" " * 10) and len(line) <= 80 for line in told), told


def test_many_columns_become_lines(narrow, tmp_path):
    told = call("faults", chain(tmp_path, *GATES[:7]), "--event", EVENT)
    for key in range(2, 9):
        assert f"publish_gate ({key}) gate: " in told
    assert "GOES ON" in told and max(map(len, told.splitlines())) <= 80


def table(**options: Any) -> Table:
    made = Table("id", "state", "what", "to", "since", "tries", "next try", "why", **options)
    made.add_row(
        "0123456789",
        "dead",
        "Slack message to soc-chat",
        "https://hooks.slack.example",
        "3 d ago",
        "17",
        "",
        "no " * 40,
    )
    return made


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_column_is_cut_to_nothing(width):
    out = io.StringIO()
    Console(file=out, width=width).print_table(table())
    lines = out.getvalue().splitlines()
    assert lines[0].strip() == "0123456789" and "  state: dead" in lines
    assert "Slack message to soc-chat" in " ".join(out.getvalue().split()) and "next try" not in out.getvalue()
    assert "no " * 40 in " ".join(out.getvalue().split()) + " " and max(map(len, lines)) <= width


def test_a_table_that_wants_all_the_width_gets_what_it_needs_in_a_pipe(piped):
    out = io.StringIO()
    Console(file=out).print(table(expand=True))
    assert max(map(len, out.getvalue().splitlines())) < 400


def test_no_line_of_a_table_is_filled_with_spaces_in_a_pipe(piped):
    out = io.StringIO()
    Console(file=out).print_table(table(title="waiting"))
    lines = out.getvalue().splitlines()
    assert len(lines) >= 3 and [line for line in lines if line != line.rstrip()] == []


def test_no_wrapped_line_is_filled_with_spaces_either():
    out = io.StringIO()
    console = Console(file=out, width=40)
    console.print(Padding("a sentence of many words " * 8, (0, 0, 0, 4)), Text("a "), Text(" b"), table(), sep="")
    console.print("goes on ", end="")
    lines = out.getvalue().splitlines()
    assert len(lines) > 6 and [line for line in lines[:-1] if line != line.rstrip()] == []
    assert lines[-1] == "goes on " and "a  b" in lines


def test_a_table_that_fits_is_one():
    out = io.StringIO()
    Console(file=out, width=400).print_table(table())
    assert len([line for line in out.getvalue().splitlines() if "0123456789" in line and "17" in line]) == 1
