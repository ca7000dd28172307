"""Debug mode as people have it: the page in a browser, and the commands."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Browser
from click.testing import CliRunner
from debug_kit import (
    BLOCKED,
    HOSTILE,
    KEY,
    ROOT,
    graph_of,
    listening,
    read,
    replay,
)

from misp_workflow.cli import main
from misp_workflow.debug.runs import MOST_VISITS, Runs
from misp_workflow.testing import free_port

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
