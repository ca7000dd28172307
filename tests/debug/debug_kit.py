"""Recorded runs of MISP's debug mode, and a listener of the test's own."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from misp_workflow.debug.app import Listener
from misp_workflow.debug.runs import Runs
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules.moduleapi import HttpServer
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
