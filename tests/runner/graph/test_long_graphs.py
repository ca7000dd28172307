"""Graphs of strangers: long ones cost no more than they are long, and ones with too many paths end with an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from misp_workflow.errors import GraphError
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.graph import Edge, Path
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.said.check import check
from misp_workflow.runner.walk.walk import run

GATE = {
    "name": "gate",
    "mispattributes": {},
    "meta": {"module-type": ["action"], "config": {"params": {}, "blocking": True}},
}
KNOWN = catalogue.load(Scripted([GATE]), World())
TAGGED = ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["x"], "clusters": []})


def chain(length: int) -> Workflow:
    nodes: dict[int, Any] = {key: ("gate", {}) for key in range(2, length + 2)}
    return load(workflow("long", "event-publish", nodes, [(key - 1, key) for key in nodes]))


def diamonds(count: int, first: str) -> Workflow:
    """`count` forks, each of which joins again: two to the power of `count` paths."""
    nodes: dict[int, Any] = {2: (first, {})}
    edges: list[Any] = [(1, 2)]
    ends, key = [2], 3
    for _ in range(count):
        nodes |= {key: TAGGED, key + 1: ("gate", {}), key + 2: ("gate", {})}
        edges += [*((end, key) for end in ends), (key, key + 1, 1), (key, key + 2, 2)]
        ends, key = [key + 1, key + 2], key + 3
    # Both ways are taken: a filter's node leads on by its first output only, an action's by each.
    return load(workflow("many", "event-publish", nodes, edges))


def least(work: Callable[[], Any]) -> float:
    """The least of five times, of this thread's own work: a busy machine does not count."""
    times = []
    for _ in range(5):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
    return min(times)


@pytest.mark.parametrize(
    "work",
    [
        lambda graph: check(graph, KNOWN),
        lambda graph: run(graph, {"Event": {"id": "1", "Tag": []}}, Scripted([GATE])),
    ],
    ids=["check", "run"],
)
def test_ten_times_the_nodes_cost_about_ten_times(work: Callable[[Workflow], Any]) -> None:
    short, long = chain(300), chain(3000)
    assert least(lambda: work(long)) < 40 * least(lambda: work(short))  # a square would be 100


def test_too_many_paths_end_with_an_answer() -> None:
    graph = diamonds(30, "concurrent-task")
    findings = check(graph, KNOWN)
    assert {finding.rule for finding in findings} >= {"blocks-nothing"}
    nodes: dict[int, Any] = {key: ("push-zmq", {}) for key in range(2, 64)}
    edges = [(1, 2), (1, 3)]
    for key in range(2, 62, 2):
        edges += [(end, start) for end in (key, key + 1) for start in (key + 2, key + 3)]
    many = load(workflow("many", "event-publish", nodes, edges))
    with pytest.raises(GraphError, match="too many paths"):
        run(many, {"Event": {"id": "1"}}, Scripted([]), max_steps=5_000)


def test_paths_share_their_beginnings() -> None:
    edges = [Edge("1", "output_1", 0, "2"), Edge("2", "output_1", 0, "3")]
    first = Path(Path(), edges[0])
    second, again = Path(first, edges[1]), Path(Path(Path(), edges[0]), edges[1])
    assert list(second) == edges and len(second) == 2 and second.before is first
    assert second == again and hash(second) == hash(again) and second != first and not Path()
