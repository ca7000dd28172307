"""What a real MISP 2.5.1 showed to be wrong with the holding graph, as recorded there."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.installed import own_actions
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import HttpServer, LocalServer, Scripted
from misp_workflow.runner.said.check import check
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import free_port

RECORDED = Path(__file__).parent / "real_misp"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "workflows"
HOLDING = ["hold-what-is-not-marked", "hold-below-community", "hold-red-with-mail"]
OFF = [frozenset[str](), frozenset({"tag_operation"}), frozenset({"tag-if"}), frozenset({"reload-full-event"})]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


@pytest.mark.parametrize(("name", "off"), list(product(HOLDING, OFF)))
def test_a_red_event_with_somebodys_global_approval_stays(name, off):
    """Seen published: the approval was removed where it was local only, and taken for the gate's yes."""
    workflow = load((EXAMPLES / f"{name}.json").read_bytes())
    nobody = HttpServer(f"http://127.0.0.1:{free_port()}")
    done = run(workflow, recorded("red-event-with-global-approval-tag"), nobody, world=World(disabled_modules=off))
    assert not done.success and done.end == "blocked"


def test_the_graph_as_it_was_is_found_wrong():
    modules = catalogue.load(LocalServer(own_actions()), World())
    document = recorded("holding-graph-that-never-reloads")
    errors = {finding.rule for finding in check(load(document), modules) if finding.level == "error"}
    assert errors >= {"never-reloads", "old-approval"}
    event, yes = recorded("red-event-with-global-approval-tag"), Scripted(LocalServer(own_actions()).modules())
    event["Event"]["Tag"].pop()
    assert not run(load(document), event, yes).success, "it held everything, also what the gate said yes to"
