"""The benchmark's event of a thousand attributes: what MISP sent for it is known to the byte."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from misp_workflow import hashpath
from misp_workflow.runner.data import coreformat

BENCH = Path(__file__).resolve().parents[2] / "bench"


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
