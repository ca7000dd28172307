"""Tagging many attributes: what it costs, and that filters see each of them as MISP lets them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from misp_workflow.runner.data.profiles import NEWEST, profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.single import execute
from misp_workflow.runner.walk.walk import run

GATE = {"name": "gate", "mispattributes": {}, "meta": {"module-type": ["action"], "config": {"params": {}}}}
BY_TAG = {"filtering-label": "A", "selector": "Event._AttributeFlattened", "hash_path": "Tag.{n}.name"}


def event(attributes: int) -> dict[str, Any]:
    rows = [
        {"id": str(number), "event_id": "7", "type": "ip-src", "value": f"198.51.100.{number % 256}",
         "Tag": [{"name": "old", "local": True}] if number % 2 else [{"name": "tlp:green"}]}
        for number in range(1, attributes + 1)
    ]  # fmt: skip
    return {"Event": {"id": "7", "info": "x", "Tag": [{"name": "tlp:red"}], "Attribute": rows}}


def tagging(action: str, tag: str) -> dict[str, Any]:
    return {"scope": "attribute", "action": action, "locality": "local", "tags": [tag], "relationship_type": ""}


def calls(action: str, tag: str, attributes: int) -> int:
    """How many calls of Python functions it takes, which no other process on the machine changes."""
    counted, data = 0, event(attributes)

    def count(frame: Any, what: str, arg: Any) -> None:
        nonlocal counted
        counted += what == "call"

    sys.setprofile(count)
    try:
        done = execute("tag_operation", data, tagging(action, tag), Scripted([]), world=World(misp=profile(NEWEST)))
    finally:
        sys.setprofile(None)
    assert done.success
    return counted


@pytest.mark.parametrize(("action", "tag"), [("add", "new"), ("remove", "old")])
def test_four_times_as_many_attributes_take_four_times_as_long(action: str, tag: str) -> None:
    assert calls(action, tag, 400) < 5 * calls(action, tag, 100)


def sent(by_tag: dict[str, Any], nodes: list[Any]) -> Any:
    """What a module behind these nodes is sent, with a filter in force."""
    chain = dict(enumerate([("generic-filter-data", by_tag), *nodes, ("gate", {})], start=2))
    graph = load(workflow("w", "event-publish", chain, [(key - 1, key) for key in chain]))
    done = run(graph, event(4), Scripted([GATE]), world=World(misp=profile(NEWEST), now=1_700_000_000))
    return json.loads(done.exchanges[-1].body())["data"]


BY_NAME = {**BY_TAG, "selector": "Event.Attribute.{n}.Tag.{n}", "hash_path": "name"}
"""A filter of all attributes' tags together: MISP puts what it keeps into each attribute, deeper with every step."""


@pytest.mark.parametrize("operator", ["in", "not_in"])
@pytest.mark.parametrize("by", [BY_TAG, BY_NAME], ids=["attributes", "tags"])
@pytest.mark.parametrize(
    ("action", "tag"), [("add", "new"), ("add", "old"), ("remove", "old"), ("remove", "tlp:green")]
)
def test_all_at_once_is_one_after_the_other(operator: str, by: dict[str, Any], action: str, tag: str) -> None:
    by_tag = {**by, "value": tag, "operator": operator}
    only = [
        {"selector": "Event._AttributeFlattened", "path": "id", "operator": "equals", "value": str(number)}
        for number in range(1, 5)
    ]
    each = [("tag_operation", tagging(action, tag), narrow) for narrow in only]
    assert sent(by_tag, [("tag_operation", tagging(action, tag))]) == sent(by_tag, each)
