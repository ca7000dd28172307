"""The first workflow of the README, followed literally: what is RED stays, of the others the channel hears."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.runner.graph import build
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.runner.walk.walk import Run, run
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).parents[2]
ACTIONS = ROOT / "misp_modules/modules/action_mod"
STEP = re.search(
    r"Drag \*(.+?)\* behind the trigger, and write\s+`(.+?)` into \*(.+?)\*", (ROOT / "README.md").read_text()
)


def published(tag: str, receiver: Receiver) -> Run:
    assert STEP, "the step that draws the gate"
    gate, value, field = STEP.groups()
    names = {ActionFile.load(file).module.moduleinfo["name"]: file.stem for file in ACTIONS.glob("*.py")}
    nodes: dict[int, tuple[str, dict[str, Any]]] = {
        2: (names[gate], {field.lower().replace(" ", "_"): value}),
        3: (names["Slack message"], {"webhook_url": receiver.url}),
    }
    event = {"id": "1", "uuid": "8b9e3c1e-6f0f-4d3a-9d59-2f4b6a1c7e10", "info": "Phishing", "Tag": [{"name": tag}]}
    data = {"Event": {**event, "distribution": "3", "Orgc": {"name": "CIRCL"}, "Attribute": []}}
    return run(load(build.workflow("First", "event-publish", nodes, [(1, 2), (2, 3)])), data, LocalServer([ACTIONS]))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path))


def test_red_stays_and_nobody_hears(receiver: Receiver) -> None:
    done = published("tlp:red", receiver)
    assert not done.success and "tlp:red" in done.errors[0]
    assert receiver.requests == []


def test_of_green_the_channel_hears(receiver: Receiver) -> None:
    receiver.always(answer(b"ok"))
    assert published("tlp:green", receiver).success
    assert b"Phishing" in receiver.wait_for(1)[0].body
