"""The stand-in answers to workflow calls as a real MISP 2.5.1 was recorded to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow import settings
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.effects import Post
from misp_workflow.testing.misp import MispStandIn

RECORDED = json.loads((Path(__file__).parent / "workflows.json").read_text())
KEPT = ("name", "description", "trigger_id", "debug_enabled", "data", "errors", "saved", "success", "message")


def prepared(standin: MispStandIn, call: str) -> None:
    """Bring the stand-in to where the real one was before the call."""
    trigger = "event-after-save-new-from-pull"
    standin.blueprint_rows.clear()
    standin.on = {"tag-if", "stop-execution"}
    standin.workflows.clear()
    if call.startswith("workflowBlueprints index"):
        standin.blueprint_rows.append({"id": "1", "data": "{no"})
    if call.startswith(("index", "view by id")):
        row = next(one for one in RECORDED if one["call"] == call)["response"]["body"]
        row = (row[0] if isinstance(row, list) else row).get("Workflow") if row and "name" not in row else None
        if row:
            standin.add_workflow(**{**row, "trigger": row["trigger_id"], "graph": row["data"]})
        return
    if not call.startswith(("editor", "delete again", "view of the deleted", "edit of the deleted")):
        good = next(one for one in RECORDED if one["call"] == "edit, graph as JSON string")["request"]["body"]
        debug = not call.startswith(("edit, graph as JSON string", "view after edit as string", "edit with a "))
        described = "own description" if debug and call != "edit, graph as object" else ""
        standin.add_workflow(trigger, json.loads(good["Workflow"]["data"]), "recorded", id="21",
                             description=described, debug_enabled=debug)  # fmt: skip
        standin.workflows = {"21": next(iter(standin.workflows.values()))}


LEFT_BEHIND = ("view of the workflow that editor created", "view: what was kept of the own keys")
"""What these show was left behind by a call before; test_what_the_editor_makes and the identity hold it."""


@pytest.mark.parametrize(
    "exchange", [one for one in RECORDED if one["call"] not in LEFT_BEHIND], ids=lambda one: one["call"]
)
def test_answers_as_recorded(standin: MispStandIn, exchange: dict[str, Any]) -> None:
    call, request, said = exchange["call"], exchange["request"], exchange["response"]
    prepared(standin, call)
    path = request["path"].replace("/delete/20", "/delete/21") if call == "delete" else request["path"]
    key = "wrong" * 8 if "wrong key" in call else standin.read_only_key if "no site admin" in call else standin.key
    answered = ask(standin, request["method"], path, request["body"], key)
    assert answered.status == said["status"]
    assert shape(json.loads(answered.body)) == shape(said["body"])


def test_what_the_editor_makes(standin: MispStandIn) -> None:
    made = next(one for one in RECORDED if one["call"] == "view of the workflow that editor created")["response"][
        "body"
    ]
    ask(standin, "GET", "/workflows/editor/event-after-save-new-from-pull.json", None, standin.key)
    row = next(iter(standin.workflows.values()))
    wanted = made["Workflow"]
    assert {key: row[key] for key in KEPT[:4]} == {key: wanted[key] for key in KEPT[:4]}
    assert row["data"]["1"].keys() == wanted["data"]["1"].keys()
    assert row["data"]["1"]["outputs"] == wanted["data"]["1"]["outputs"]


def shape(body: Any) -> Any:
    """What of an answer does not depend on which MISP it is."""
    if isinstance(body, list):
        return [shape(one) for one in body]
    if isinstance(body, dict) and "Workflow" in body:
        return {"Workflow": {key: value for key, value in body["Workflow"].items() if key in KEPT}}
    if isinstance(body, dict) and "9" in body:
        return "an object with holes"
    return {key: value for key, value in body.items() if key in KEPT} if isinstance(body, dict) else body


def ask(standin: MispStandIn, method: str, path: str, body: Any, key: str) -> http.Reply:
    assert settings.current().misp.url == standin.url
    post = Post(url=standin.url + path, method=method, json=body, headers={"Authorization": key})
    with trying(1e9) as this:
        return http.ask(post, this, 2**24)
