"""What debug mode posts of a large event: each post whole, and the event written once."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.debug.telling import posts, tell
from misp_workflow.runner.data import wire
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Answer, Body, HttpServer, Scripted
from misp_workflow.runner.walk.walk import run

EVENT = {"Event": {"id": "7", "info": "é", "Attribute": [{"id": str(n), "value": f"v{n}"} for n in range(100)]}}


class Listening(HttpServer):
    """Takes every post."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.taken: list[bytes] = []

    def post(self, path: str, body: Body, timeout: float) -> Answer:
        self.taken.append(bytes(body))
        return Answer(200, b"")


def test_posts_of_one_run_write_the_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes: dict[int, Any] = {number: ("published-if", {"condition": "not_equals"}) for number in range(2, 6)}
    graph = load(workflow("w", "event-publish", nodes, [(number - 1, number) for number in nodes]))
    told = list(posts(run(graph, EVENT, Scripted([])), EVENT))
    whole = [wire.encode(body) for _, body in told]
    written: list[Any] = []
    encode = wire.encode
    monkeypatch.setattr(wire, "encode", lambda value: [written.append(value), encode(value)][1])
    tell(listener := Listening(), iter(told))
    assert listener.taken == whole and len(whole) == 6
    rows = [value for value in written if b'"v99"' in encode(value)]
    assert len(rows) == len({id(value) for value in rows}) <= 3  # as it came, and the two lists of the event
