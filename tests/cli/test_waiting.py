"""The command line waits for warninglists, however long they take; a call of MISP's cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.delivery import warninglists
from misp_workflow.errors import InputError
from misp_workflow.runner.graph.build import workflow

pytest.importorskip("pymispwarninglists", reason="pymispwarninglists, the extra [warninglists], is missing")

LISTS = "List of RFC 1918*"


@pytest.fixture(autouse=True)
def nothing_read_and_no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process whose disk is slow: whoever does not wait beforehand finds no list."""
    monkeypatch.setattr(warninglists, "_library", warninglists._Library())
    monkeypatch.setattr(warninglists, "PATIENCE", 0.0)


@pytest.fixture
def event(tmp_path: Path) -> str:
    file = tmp_path / "event.json"
    rows = [{"type": "ip-dst", "value": "10.0.0.1", "to_ids": True, "uuid": "76dc86c9-8c7c-4305-839b-000000000001"}]
    event = {
        "id": "1",
        "uuid": "e4046d41-4725-48fb-8959-e98208bd0577",
        "info": "x",
        "Attribute": rows,
        "RelatedEvent": [],
    }
    file.write_text(json.dumps({"Event": event}))
    return str(file)


def call(*arguments: Any) -> str:
    return " ".join(CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False).output.split())


@pytest.mark.parametrize("command", ["check-event", "module", "run", "rules"])
def test_a_list_is_read_before_anybody_judges(command, event, tmp_path, monkeypatch):
    rules, graph, settings = tmp_path / "rules.toml", tmp_path / "w.json", tmp_path / "settings.toml"
    rules.write_text(f'[l]\nwarninglists = ["{LISTS}"]\n')
    settings.write_text(f'[rules]\npublish = "{rules}"\n')
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    params = {"rules": "publish"} if command == "rules" else {"warninglists": LISTS}
    graph.write_text(json.dumps(workflow("w", "event-publish", {2: ("publish_gate", params)}, [(1, 2)])))
    told = {
        "check-event": lambda: call("check-event", rules, event, "--json"),
        "module": lambda: call("module", "publish_gate", "--param", f"warninglists={LISTS}", "--event", event),
        "run": lambda: call("run", graph, "--event", event),
        "rules": lambda: call("run", graph, "--event", event),
    }[command]()
    assert "on the warninglist 'List of RFC 1918 CIDR blocks'" in told and "still being read" not in told


def test_lists_that_cannot_be_had_are_no_verdict_on_the_event(event, tmp_path, monkeypatch):
    rules = tmp_path / "rules.toml"
    rules.write_text('[l]\nwarninglists = ["List of nothing"]\n')
    done = CliRunner().invoke(main, ["check-event", str(rules), event])
    assert done.exit_code == 2 and "No warninglist is called List of nothing" in done.output
    monkeypatch.setattr(warninglists, "find_spec", lambda name: None)
    monkeypatch.setattr(warninglists, "_library", warninglists._Library())
    done = CliRunner().invoke(main, ["check-event", str(rules), event])
    assert done.exit_code == 2 and "pip install" in done.output and "block" not in done.output


def test_a_broken_list_is_said_and_not_waited_for(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "list.json").write_text("{")
    library = warninglists._Library()
    library._fill(("*",), tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        library.shelf(("*",), 0)


def test_how_far_the_reading_is_is_told():
    heard: list[tuple[int, int]] = []
    warninglists.load(("*Cloudflare*",), lambda done, of: heard.append((done, of)))
    assert warninglists.lists_with({"type": "ip-dst", "value": "104.16.0.9"}, ("*Cloudflare*",))
    assert all(done <= of for done, of in heard)
