"""MISP's debug mode: recorded posts gathered and shown, and the local runner's posts held against them.

recorded.json: five walks of MISP 2.5.1's engine in debug mode, with what it posted (the time masked). recorded_odd.json:
eight of a running MISP 2.5.1, of nodes only their ids and names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from debug_kit import (
    BLOCKED,
    KEY,
    ODD,
    RECORDED,
    graph_of,
    listening,
    path_of,
    read,
    refused,
    replay,
)

from misp_workflow.cli import main
from misp_workflow.debug.changes import changes
from misp_workflow.debug.runs import MOST_RUNS
from misp_workflow.debug.telling import posts
from misp_workflow.runner.data import profiles, wire
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import HttpServer, Scripted
from misp_workflow.runner.walk.walk import run

# --- the local runner's posts are MISP's ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", RECORDED + ODD, ids=[case["name"] for case in RECORDED + ODD])
def test_the_runner_posts_what_misp_does(case: dict[str, Any]) -> None:
    given = case["input"]
    server = Scripted(given["modules"], given.get("responses") or {})
    disabled = frozenset((given.get("world") or {}).get("disabled_modules") or ())
    world = World(misp=profiles.profile("2.5.1"), rows={"events": {}}, disabled_modules=disabled)
    done = run(graph_of(case), given["trigger_data"], server, world=world, with_jobs=False)
    told = list(posts(done, given["trigger_data"]))
    assert [path for path, _ in told] == [path_of(one["uri"]) for one in case["debug"]]
    for (_, body), one in zip(told, case["debug"], strict=True):
        ours, theirs = json.loads(wire.encode(body)), one["body"]
        assert ours["source"] == theirs["source"]
        assert ours.get("errors") == theirs.get("errors")
        if "executed_nodes" in theirs["data"]:
            for name in ("executed_nodes", "blocking_nodes"):
                assert [node["id"] for node in ours["data"][name]] == [node["id"] for node in theirs["data"][name]]
            assert ours["data"]["blocked_paths"] == theirs["data"]["blocked_paths"]
        else:
            assert ours["data"] == theirs["data"]


TAGGED_TAGS = {
    "1": {
        "id": 1,
        "data": {"id": "event-publish", "module_type": "trigger", "misp_core_format": True},
        "outputs": {"output_1": {"connections": [{"node": "2"}]}},
    },
    "2": {
        "id": 2,
        "data": {
            "id": "tag_operation",
            "module_type": "action",
            "indexed_params": {"scope": "attribute", "action": "add", "tags": ["x"]},
            "saved_filters": {"selector": "Event.Tag.{n}", "path": "name", "operator": "any_value", "value": ""},
        },
        "outputs": {},
    },
}
OF_AN_EXCEPTION = "/event-publish/exec/tag_operation?result=error&message=Attribute+not+found."
"""What a running MISP 2.5.1 posts, without any errors in the body, of a node whose exception it catches."""


def _ran(graph: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    data = {"Event": {"id": "1", "uuid": "u", "Tag": [{"id": "3", "name": "a"}]}}
    workflow = load({"Workflow": {"trigger_id": "event-publish", "data": graph}})
    return list(posts(run(workflow, data, Scripted([]), world=World(misp=profiles.profile("2.5.1"))), data))


def test_an_exception_that_misp_catches_is_a_failed_node() -> None:
    path, body = _ran(TAGGED_TAGS)[1]
    assert (path, "errors" in body) == (OF_AN_EXCEPTION, False)
    with listening(None) as (url, listener):
        replay(url, [{"uri": path, "body": body}])
    visit = listener.runs.kept[0].visits[0]
    assert (visit.outcome, visit.errors) == ("error", ("Attribute not found.",))


@pytest.mark.parametrize("kind", ["action", "logic"])
def test_a_module_that_misp_does_not_know_is_a_loading_error(kind: str) -> None:
    told = _ran({**TAGGED_TAGS, "2": {"id": 2, "data": {"id": "nope", "module_type": kind}, "outputs": {}}})
    assert told[1][0] == "/event-publish/exec/nope?result=loading_error" and "errors" not in told[1][1]
    with listening(None) as (url, listener):
        replay(url, [{"uri": path, "body": json.loads(wire.encode(body))} for path, body in told])
    assert listener.runs.kept[0].visits[0].outcome == "unknown"


def test_of_a_node_at_which_php_dies_nothing_is_posted() -> None:
    reset = {"id": "generic-filter-reset", "module_type": "logic", "indexed_params": {"filtering-label": "A"}}
    told = _ran({**TAGGED_TAGS, "2": {"id": 2, "data": reset, "outputs": {}}})
    assert [path for path, _ in told] == ["/event-publish/init?type=blocking"]


def test_what_is_posted_of_a_filter_is_what_it_leaves() -> None:
    values = {"filtering-label": "A", "selector": "Event.Tag.{n}", "hash_path": "name", "operator": "in", "value": "b"}
    node = {"id": "generic-filter-data", "module_type": "logic", "indexed_params": values}
    told = _ran({**TAGGED_TAGS, "2": {"id": 2, "data": node, "outputs": {}}})
    assert told[1][1]["data"]["Event"]["Tag"] == []


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_recorded_run_is_shown_with_its_way_lit() -> None:
    with listening(graph_of(BLOCKED)) as (url, listener):
        replay(url, BLOCKED["debug"])
        page = read(f"{url}/watch?key={KEY}")
    [seen] = listener.runs.kept
    assert (seen.trigger, seen.kind, seen.outcome, seen.blockers) == ("event-publish", "blocking", "failure", ("4",))
    assert [(visit.node, visit.module, visit.result) for visit in seen.visits] == [
        ("2", "generic-if", "success"),
        ("4", "blocker", "partial-success"),
    ]
    assert len(re.findall(r'class="edge taken', page)) == 2, "to the if, and by its else to what blocked"
    assert len(re.findall(r'class="[^"]* blocked"', page)) == 1
    assert "42: Mini" in page and "boom" in page
    assert '<strong>failure</strong> by <a href="#node-4">blocker (4)</a>: boom</p>' in page


@pytest.mark.parametrize(
    ("told", "shown"),
    [("2026-11-29T20:58:35.405911+01:00", "2026-11-29 19:58:35 UTC"), ("now & then", "now &amp; then"), (None, None)],
)
def test_the_beginning_of_a_run_is_a_time_for_people(told: str | None, shown: str | None) -> None:
    begun = {**BLOCKED["debug"][0], "body": {**BLOCKED["debug"][0]["body"], "timestamp": told}}
    with listening(None) as (url, _):
        replay(url, [begun])
        page = read(f"{url}/watch?key={KEY}")
    assert re.findall("<dt>Began</dt><dd>(.*)</dd>", page) == [shown] * (shown is not None)


def test_a_failure_that_stops_nothing_is_no_block() -> None:
    disabled = RECORDED[2]
    with listening(graph_of(disabled)) as (url, listener):
        replay(url, disabled["debug"])
    assert (listener.runs.kept[0].outcome, listener.runs.kept[0].blockers) == ("success", ())


def test_what_is_saved_runs(tmp_path: Path) -> None:
    with listening(graph_of(BLOCKED)) as (url, _):
        replay(url, BLOCKED["debug"])
        for name in ("event", "workflow"):
            (tmp_path / f"{name}.json").write_text(read(f"{url}/watch/{name}?key={KEY}&run=1"))
    files = [str(tmp_path / "workflow.json"), "--event", str(tmp_path / "event.json")]
    told = CliRunner().invoke(main, ["run", *files, "--offline", "--json", "--answer", "blocker=error:boom"])
    assert "{" in told.output, told.output
    data = json.loads(told.output[told.output.index("{") :])
    assert [step["module"] for step in data["steps"]] == ["generic-if", "blocker"]


def test_two_runs_at_once_are_told_apart() -> None:
    other = json.loads(json.dumps(BLOCKED["debug"]).replace("4f5a0000-0000-4000-8000-000000000042", "another-uuid"))
    with listening(None) as (url, listener):
        for one, two in zip(BLOCKED["debug"][:3], other[:3], strict=True):
            replay(url, [one, two])
    assert [len(seen.visits) for seen in listener.runs.kept] == [2, 2]
    assert {seen.event["uuid"] for seen in listener.runs.kept} == {
        "4f5a0000-0000-4000-8000-000000000042",
        "another-uuid",
    }


def test_the_change_between_two_nodes_is_told() -> None:
    recorded = json.loads(json.dumps(BLOCKED["debug"]))
    event = recorded[2]["body"]["data"]["Event"]
    event["info"] = "Corrected"
    event["Tag"].append({"name": "gate:ok"})
    with listening(None) as (url, listener):
        replay(url, recorded)
        page = read(f"{url}/watch?key={KEY}")
    [seen] = listener.runs.kept
    assert seen.visits[0].changes == []
    assert {(one.kind, one.path) for one in seen.visits[1].changes} == {
        ("changed", "Event.info"),
        ("added", "Event.Tag[gate:ok]"),
    }
    assert "Corrected" in page


def test_items_of_lists_are_told_apart_by_name() -> None:
    before = {"Tag": [{"name": "a"}, {"name": "b"}], "x": [1, 2], "same": {"y": 1}}
    after = {"Tag": [{"name": "b"}], "x": [1, 3], "same": {"y": 1}, "new": None}
    found = [(one.kind, one.path, one.before, one.after) for one in changes(before, after)]
    assert found == [
        ("removed", "Tag[a]", '{"name":"a"}', ""),
        ("changed", "x[1]", "2", "3"),
        ("added", "new", "", "null"),
    ]


def test_secrets_of_nodes_are_not_shown() -> None:
    recorded = json.loads(json.dumps(BLOCKED["debug"]))
    recorded[1]["body"]["source"] |= {
        "module_id": "webhook",
        "parameters": {"url": "https://x.example/hidden-token-in-here"},
    }
    recorded[1]["uri"] = recorded[1]["uri"].replace("generic-if", "webhook")
    recorded[2]["body"]["errors"] = ["no answer from x"]
    with listening(None) as (url, _):
        replay(url, recorded)
        assert "hidden-token-in-here" not in read(f"{url}/watch?key={KEY}")


def test_only_the_newest_runs_are_kept() -> None:
    with listening(None) as (url, listener):
        for _ in range(MOST_RUNS + 3):
            replay(url, BLOCKED["debug"][:1])
        assert len(listener.runs.kept) == MOST_RUNS and listener.runs.kept[-1].number == MOST_RUNS + 3


# --- who may, and what is no post of MISP's ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["watch", "watch/runs", "watch/news", "watch/event", "watch/workflow"])
def test_nothing_is_shown_without_the_key(path: str) -> None:
    with listening(None) as (url, _):
        replay(url, BLOCKED["debug"])
        assert refused(f"{url}/{path}") == 403
        assert refused(f"{url}/{path}?key={KEY}x") == 403


DEEP = b'{"data":' * 900 + b"1" + b"}" * 900


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b'{"data":', b'"text"', DEEP])
def test_what_is_no_post_is_refused(body: bytes) -> None:
    with listening(None) as (url, listener):
        assert refused(f"{url}/event-publish/init", body) == 400
        assert refused(f"{url}/event-publish/exec/some-module", body) == 400
        assert not listener.runs.kept


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": []}, {"source": [], "data": {"Event": []}}, {"source": {"parameters": "x"}, "errors": {}},
     {"data": {"Event": {"id": [1], "info": {}}}, "source": {"filters": []}, "errors": [None, {}]}],
)  # fmt: skip
def test_posts_of_any_shape_are_survived(body: dict[str, Any]) -> None:
    with listening(graph_of(BLOCKED)) as (url, _):
        for path in ("init?type=x", "exec/some-module?result=y", "end?outcome=z"):
            HttpServer(url).post(f"/event-publish/{path}", json.dumps(body).encode(), 10)
        assert "event-publish" in read(f"{url}/watch?key={KEY}")
