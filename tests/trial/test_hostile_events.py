"""Whatever lies in a folder of events, a backtest says what of it could not be read, and judges the rest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from planted import event

from misp_workflow import given
from misp_workflow.cli import main
from misp_workflow.runner.graph.build import workflow
from misp_workflow.trial import backtest as backtests
from misp_workflow.trial.journal import Journal

EVIL = "x\x1b]0;PWN\x07\r\u202e"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good event, beside a workflow that tags."""
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", "")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    nodes: dict[Any, Any] = {
        2: ("tag-if", {"scope": "event_attribute", "condition": "in_or", "tags": ["tlp:red"]}),
        3: ("publish_gate", {"forbidden_tags": "tlp:red"}),
        4: ("tag_operation", {"scope": "event", "action": "add", "locality": "local", "tags": ["a"]}),
    }
    graph = workflow("w", "event-publish", nodes, [(1, 2), (2, 3), (2, 4, 2), (3, 4)])
    (tmp_path / "workflow.json").write_text(json.dumps(graph))
    made = tmp_path / "events"
    made.mkdir()
    (made / "good.json").write_text(json.dumps(event(1, 2, ("tlp:green",))))
    return made


def run(folder: Path, *more: object) -> Result:
    arguments = ["backtest", folder.parent / "workflow.json", folder, "--jobs", "1", *more]
    return CliRunner(mix_stderr=False).invoke(main, [str(one) for one in arguments], catch_exceptions=False)


def problems(folder: Path, events: int = 1) -> list[str]:
    said = run(folder, "--json")
    assert said.exit_code == 1, said.stderr
    found = json.loads(said.stdout)
    assert found["events"] == events
    return list(found["problems"])


def put(folder: Path, name: str, content: bytes | str) -> None:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"\x00" * 100, "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b'{"Event": {"info": "\\ud800"}}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"Event": NaN}', "is not JSON"),
        (b"null", "holds no event"),
        (b'{"errors": ["Invalid event."]}', "holds no event"),
        (b'[{"Event": {"info": "x"}}, 7]', "holds no event"),
    ],
)
def test_what_is_no_event_is_named_and_the_rest_is_judged(folder: Path, content: bytes, why: str) -> None:
    put(folder, "bad.json", content)
    (said,) = problems(folder)
    assert why in said
    assert str(folder / "bad.json") in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_links_pipes_devices_and_odd_names(folder: Path) -> None:
    (folder / "nowhere.json").symlink_to("gone")
    (folder / "round.json").symlink_to("round.json")
    (folder / "up").symlink_to(folder.parent)  # with the workflow in it, which is no event
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "endless.json").symlink_to("/dev/zero")
    put(folder, "\udcff\x1b[2J.json", b"[")
    told = sorted(problems(folder))
    assert [name for name in ("nowhere", "round", "pipe", "endless", "\\udcff") if name not in "\n".join(told)] == []
    assert len(told) == 5
    assert "\x1b" not in run(folder).stdout


def test_a_giant_file_is_not_read(folder: Path) -> None:
    with (folder / "giant.json").open("wb") as file:
        file.truncate(given.MOST + 1)
    assert "has more than 1,024 MiB" in problems(folder)[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(folder: Path) -> None:
    put(folder, "closed.json", "{}")
    (folder / "closed.json").chmod(0)
    assert "cannot be read: Permission denied" in problems(folder)[0]
    (folder / "shut").mkdir(0)
    said = run(folder)
    (folder / "shut").chmod(0o700)
    assert said.exit_code == 2
    assert "shut cannot be read: Permission denied" in said.stderr


def nested(depth: int) -> Any:
    made: Any = "x"
    for _ in range(depth):
        made = [made]
    return made


ODD = [
    None,
    0,
    True,
    [],
    {},
    [[]],
    [None],
    {"x": None},
    EVIL,
    "1" * 5000,
    "²",
    2**64 - 1,
    1e300,
    -1,
    nested(500),
    "x" * 99_999,
]


@pytest.mark.parametrize(
    "member", ["Tag", "Tag.0", "Tag.0.name", "Attribute", "Attribute.0", "Attribute.0.Tag", "id", "Orgc"]
)
def test_an_event_of_any_shape_is_judged(folder: Path, member: str) -> None:
    for number, value in enumerate(ODD):
        made: Any = event(number + 2, 2, ("tlp:green",))
        place, steps = made["Event"], member.split(".")
        for step in steps[:-1]:
            place = place[int(step) if step.isdecimal() else step]
        place[int(steps[-1]) if steps[-1].isdecimal() else steps[-1]] = value
        put(folder, f"{number}.json", json.dumps(made))
    said = run(folder, "--json")
    assert json.loads(said.stdout)["events"] == len(ODD) + 1, said.stdout
    assert said.exit_code == 0, said.stdout


def test_a_fault_of_our_own_costs_one_event(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "second.json", json.dumps(event(2, 1, ())))
    judged = backtests.Judge.rows

    def sometimes(self: Any, found: Any) -> Any:
        if found["Event"]["id"] == "2":
            raise KeyError("nobody thought of that")
        return judged(self, found)

    monkeypatch.setattr(backtests.Judge, "rows", sometimes)
    assert "second.json cannot be judged: a fault of our own" in problems(folder)[0]


@pytest.mark.parametrize("more", [[], ["--fresh"]])
def test_a_journal_takes_no_other_file_away(folder: Path, more: list[str]) -> None:
    before = (folder / "good.json").read_text()
    said = run(folder, "--journal", folder / "good.json", *more)
    assert said.exit_code == 2
    assert "is there and no journal of a backtest" in said.stderr
    assert (folder / "good.json").read_text() == before


def test_a_damaged_journal_is_said_and_begun_anew(folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "journal"
    assert run(folder, "--journal", book).exit_code == 0
    book.write_bytes(book.read_bytes() + b'{"key": \xff}\n')
    said = run(folder, "--journal", book)
    assert (said.exit_code, "is damaged: begin anew with --fresh" in said.stderr) == (2, True)
    assert run(folder, "--journal", book, "--fresh").exit_code == 0
    with Journal(book) as kept:
        assert len(kept.keys()) == 1
