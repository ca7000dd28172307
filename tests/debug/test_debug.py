"""MISP's debug mode: recorded posts gathered and shown, and the local runner's posts held against them.

recorded.json: five walks of MISP 2.5.1's engine in debug mode, with what it posted (the time masked). recorded_odd.json:
eight of a running MISP 2.5.1, of nodes only their ids and names.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browser import Browser
from click.testing import CliRunner
from starlette.requests import Request
from starlette.responses import Response

from misp_workflow.cli import main
from misp_workflow.debug.app import Listener
from misp_workflow.debug.changes import changes
from misp_workflow.debug.runs import MOST_RUNS, MOST_VISITS, Runs
from misp_workflow.debug.telling import posts
from misp_workflow.runner.data import profiles, wire
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules.moduleapi import HttpServer, Scripted
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORDED = json.loads((HERE / "recorded.json").read_text())
ODD = json.loads((HERE / "recorded_odd.json").read_text())
BLOCKED = RECORDED[0]
KEY = "the-key-of-this-test"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


class Watched(Listener):
    """Says when a page is there and has asked for news."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked = threading.Event()

    async def news(self, request: Request) -> Response:
        self.asked.set()
        return await super().news(request)


def graph_of(case: dict[str, Any]) -> Workflow:
    return load(case["input"]["workflow"])


@contextlib.contextmanager
def listening(workflow: Workflow | None, patience: float = 20.0) -> Iterator[tuple[str, Watched]]:
    """A listener of the test's own, that knows this graph; ends with the test."""
    listener = Watched(Runs(lambda trigger: workflow), KEY, patience)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(listener.app(), port=port, log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield f"http://127.0.0.1:{port}", listener
    finally:
        server.should_exit = True
        thread.join()


def path_of(uri: str) -> str:
    return uri.removeprefix("http://127.0.0.1:27051")


def replay(url: str, recorded: list[dict[str, Any]]) -> None:
    listener = HttpServer(url)
    for one in recorded:
        assert listener.post(path_of(one["uri"]), json.dumps(one["body"]).encode(), 10).status == 200


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def refused(url: str, body: bytes | None = None) -> int:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, body), timeout=60)
    error.value.close()
    return error.value.code


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


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_follows_a_run(width: int, tmp_path: Path, program: Callable[[str], str]) -> None:
    recorded = json.loads(json.dumps(BLOCKED["debug"]).replace('"Mini"', json.dumps(f"Mini {HOSTILE}")))
    recorded[2]["body"]["data"]["Event"]["info"] = HOSTILE
    with (
        listening(graph_of(BLOCKED)) as (url, listener),
        Browser(program("chromium"), tmp_path / "profile", width) as page,
    ):
        replay(url, recorded[:2])
        page.open(f"{url}/watch?key={KEY}")
        page.wait_for("document.querySelectorAll('path.taken').length === 1")
        assert listener.asked.wait(60), "the page waits for news"
        replay(url, recorded[2:])
        page.wait_for("document.querySelector('a.blocked rect') !== null")
        assert page.evaluate("document.querySelectorAll('path.taken').length") == 2
        assert "boom" in page.evaluate("document.body.innerText")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "nothing hangs over the edge"
        page.evaluate("document.getElementById('changes-2').open = true")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        box = page.evaluate("JSON.stringify(document.querySelector('a.blocked rect').getBoundingClientRect())")
        assert json.loads(box)["left"] >= 0 and json.loads(box)["right"] <= width, "the graph went where the run went"
        assert HOSTILE in page.evaluate("document.body.innerText"), "event text stayed text"
        assert page.evaluate("document.title") == "MISP's runs, live"
        assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_many_runs_do_not_push_the_chosen_one_off_the_screen(tmp_path: Path, program: Callable[[str], str]) -> None:
    with (
        listening(graph_of(BLOCKED)) as (url, _),
        Browser(program("chromium"), tmp_path / "profile", 400) as page,
    ):
        for _ in range(30):
            replay(url, BLOCKED["debug"][:1])
        page.open(f"{url}/watch?key={KEY}")
        page.wait_for("document.querySelectorAll('.runs a').length === 30")
        assert page.evaluate("document.querySelector('h1').getBoundingClientRect().bottom") < 300
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate("document.querySelector('p.end').className") == "end on", "neither well nor ill yet"


# --- the commands -----------------------------------------------------------------------------------------------------


EXAMPLE = [str(ROOT / "examples/workflows/hold-what-is-not-marked.json"), "--offline"]
EXAMPLE += ["--event", str(ROOT / "examples/events/shareable.json")]


def test_run_posts_to_the_listener() -> None:
    with listening(None) as (url, listener):
        told = CliRunner().invoke(main, ["run", *EXAMPLE, "--debug", url])
        assert told.exit_code == 0, told.output
    [seen] = listener.runs.kept
    assert seen.outcome == "success" and "publish_gate" in [visit.module for visit in seen.visits]


def test_run_says_when_nobody_listens() -> None:
    told = CliRunner().invoke(main, ["run", *EXAMPLE, "--debug", f"http://127.0.0.1:{free_port()}"])
    assert told.exit_code == 2 and "misp-workflow debug" in told.output


def test_the_command_listens_and_says_where() -> None:
    command = [sys.executable, "-m", "misp_workflow", "debug", EXAMPLE[0], "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as running:
        try:
            assert running.stdout
            told = running.stdout.readline() + running.stdout.readline()
            [posts_to] = re.findall(r"MISP posts to +(http://127\.0\.0\.1:\d+) ", told)
            [page] = re.findall(r"Watch the runs +(\S+)", told)
            assert CliRunner().invoke(main, ["run", *EXAMPLE, "--debug", posts_to]).exit_code == 0
            assert "publish_gate" in read(page) and "<svg" in read(page)
        finally:
            running.terminate()


def test_a_port_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = CliRunner().invoke(main, ["debug", str(EXAMPLE[0]), "--port", str(port)])
    why = f"Nothing can listen at 127.0.0.1, port {port}: {os.strerror(errno.EADDRINUSE)}. Choose another one: --port"
    assert told.exit_code == 2 and why in told.output


def test_whoever_posts_for_ever_fills_no_memory() -> None:
    runs = Runs(lambda trigger: None)
    runs.begun("event-publish", "blocking", {"data": {"original": {}, "normalized": {}}})
    for number in range(MOST_VISITS + 10):
        runs.visited("event-publish", "tag-if", "success", {"source": {"node_id": number}, "data": {}})
    (run,) = runs.kept
    assert [visit.node for visit in run.visits] == [str(number) for number in range(10, MOST_VISITS + 10)]
