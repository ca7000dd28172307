"""The benchmark's event of a thousand attributes: what MISP sent for it is known to the byte."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from misp_workflow import hashpath
from misp_workflow.runner.data import coreformat, wire
from misp_workflow.runner.data.profiles import OLDEST, profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import TEMPLATE_MODULE, Scripted
from misp_workflow.runner.walk.walk import run

BENCH = Path(__file__).resolve().parents[3] / "bench"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH))
    spec = importlib.util.spec_from_file_location("bench_runner", BENCH / "runner.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(BENCH))


def test_the_event_is_the_recorded_one(bench: ModuleType) -> None:
    import events

    assert hashlib.sha256(events.text(1000).encode()).hexdigest() == bench.RECORDED["events"]["1000"]


def test_paths_find_as_much_as_php(bench: ModuleType) -> None:
    import events

    core = coreformat.convert(events.event(1000))
    for what, count in bench.RECORDED["results"]["1000"].items():
        assert len(hashpath.extract(core, what.removeprefix("extract "))) == count


def test_twenty_nodes_send_what_misp_sent_to_the_byte(bench: ModuleType) -> None:
    import events

    bench.check_walk(bench.walk(events.event(1000)), "1000")


def test_a_difference_is_noticed(bench: ModuleType) -> None:
    import events

    event = events.event(1000)
    event["Attribute"][0]["type"] = "ip-src"
    event["Attribute"][0]["value"] = "changed"
    with pytest.raises(bench.DifferenceError, match="bodies"):
        bench.check_walk(bench.walk(event), "1000")


def test_events_of_other_sizes_have_that_many_attributes() -> None:
    sys.path.insert(0, str(BENCH))
    try:
        import events
    finally:
        sys.path.remove(str(BENCH))
    for size in (0, 1, 7, 23):
        assert len(coreformat.convert(events.event(size))["Event"]["_AttributeFlattened"]) == size


GATE = {
    "name": "gate",
    "mispattributes": {},
    "meta": {"module-type": ["action"], "config": {"params": {"text": {"type": "string", "jinja_supported": True}}}},
}


def test_neither_a_template_nor_a_size_has_the_event_written_anew(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import events

    written: list[Any] = []
    encode = wire.encode
    monkeypatch.setattr(wire, "encode", lambda value: [written.append(value), encode(value)][1])
    graph = load(workflow("w", "event-after-save-new", {2: ("gate", {"text": "{{ Event.info }}"})}, [(1, 2)]))
    rendered = {TEMPLATE_MODULE: [{"type": "ok", "body": {"results": [{"values": ["x"]}]}}]}
    done = run(graph, events.event(100), Scripted([GATE], rendered), world=World(misp=profile(OLDEST)))
    assert [exchange.module for exchange in done.exchanges] == [TEMPLATE_MODULE, "gate"] and done.notes
    assert not [value for value in written if isinstance(value, dict) and value.keys() & {"data", "Event"}]
