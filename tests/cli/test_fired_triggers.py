"""run and faults with an event on triggers that tell of one thing in it, and what is said of an event that holds more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import main
from misp_workflow.runner.graph.build import workflow

ATTRIBUTES = [{"id": str(number), "type": "ip-dst", "value": f"198.51.100.{number}"} for number in (1, 2)]
EVENT = {"id": "7", "uuid": "5f5a0000-0000-4000-8000-000000000007", "info": "i", "Attribute": ATTRIBUTES}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A workflow that reloads the event half-way, and an event."""
    nodes: dict[int, Any] = {2: ("event_gate", {}), 3: ("reload-full-event", {}), 4: ("event_gate", {})}
    row = workflow("W", "event-publish", nodes, [(1, 2), (2, 3), (3, 4)])
    (tmp_path / "workflow.json").write_text(json.dumps(row))
    (tmp_path / "event.json").write_text(json.dumps({"Event": EVENT}))
    return [str(tmp_path / "workflow.json"), "--event", str(tmp_path / "event.json")]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_sighting_is_of_the_first_attribute_and_a_reload_shows_all(files: list[str]) -> None:
    done = call("run", *files, "--trigger", "sighting-after-save", "--offline", "--json")
    steps = {step["node"]: step for step in json.loads(done.output[done.output.index("{") :])["steps"]}
    sent = {node: steps[node]["exchanges"][0]["request"]["data"]["Event"]["Attribute"] for node in (2, 4)}
    assert [len(sent[2]), len(sent[4])] == [1, 2] and sent[2][0]["value"] == "198.51.100.1"


@pytest.mark.parametrize(
    ("trigger", "note"),
    [
        ("sighting-after-save", "sighting-after-save hands over a sighting of ip-dst 198.51.100.1, the first"),
        ("attribute-after-save", "MISP fires attribute-after-save for each attribute by itself; this run was given 2"),
        ("event-after-save", "hands over the bare event row, without attributes at event-after-save; what this run"),
        ("event-publish", None),
    ],
)
def test_what_was_handed_over_is_said(files: list[str], trigger: str, note: str | None) -> None:
    output = " ".join(call("run", *files, "--trigger", trigger, "--offline").output.split())
    told = re.search("hands over|MISP fires", output)
    assert bool(told) is (note is not None) and (note or "") in output


@pytest.mark.parametrize("command", ["run", "faults"])
def test_an_event_without_a_proposal_is_refused(files: list[str], command: str) -> None:
    done = CliRunner().invoke(main, [command, *files, "--trigger", "shadow-attribute-before-save"])
    assert done.exit_code == 2 and "hands over a proposal, and this event has none" in " ".join(done.output.split())
