"""The versions of MISP: which there are, that a run is a function of its input, and that only the table tells them apart."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from misp_workflow.errors import GraphError, InputError
from misp_workflow.runner.data import profiles
from misp_workflow.runner.data.profiles import CHANGES, DOUBTS, MIRRORED, NEWEST, OLDEST, Profile, profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules.catalogue import catalogue, newer
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import Run, run

GATE = {
    "name": "gate",
    "mispattributes": {},
    "meta": {
        "module-type": ["action"],
        "config": {"params": {"path": {"type": "hash_path"}}, "support_filters": True},
    },
}
EVENT = {
    "Event": {
        "id": "7",
        "uuid": "4f5a0000-0000-4000-8000-000000000007",
        "info": "Phishing",
        "orgc_id": "2",
        "threat_level_id": "3",
        "distribution": "1",
        "published": False,
        "Tag": [{"name": "tlp:amber", "local": False}, {"name": "x:y", "local": True}],
        "Attribute": [
            {"id": "1", "event_id": "7", "type": "ip-src", "value": "198.51.100.1", "to_ids": True, "timestamp": "1",
             "distribution": "5", "Tag": [{"name": "tlp:green", "local": False}]},
            {"id": "2", "event_id": "7", "type": "domain", "value": "a.example", "to_ids": False, "timestamp": "2",
             "distribution": "5"},
            {"id": "3", "event_id": "7", "type": "ip-src", "value": "198.51.100.3", "to_ids": True, "timestamp": "3",
             "distribution": "4", "sharing_group_id": "1", "Tag": [{"name": "x:y", "local": False}]},
        ],
        "EventReport": [{"id": "9", "name": "report", "timestamp": "5"}],
    }
}  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "hash_path": ["type", "Event._AttributeFlattened.{n}.type", "Event.Tag.{n}.name"],
    "selector": ["Event._AttributeFlattened", "Event._AttributeFlattened.{n}"],
    "aggregation_path": ["Event._AttributeFlattened.{n}.timestamp"],
    "tags": [["tlp:green"], ["tlp:amber", "x:y"], ["new:tag"]],
    "value": ["ip-src", "1", "3d"],
    "path": ["Event.Tag.{n}.name", ""],
    "attributeTypesToInclude": [["ip-src"]],
    "blocklist": ["list.txt"],
    "message": ["", "{{ Event.info }}"],
}


def _params(chance: random.Random, module: dict[str, Any]) -> dict[str, Any]:
    chosen = {}
    for param in module["params"]:
        name = param["id"]
        options = param.get("options")
        if name in VALUES:
            chosen[name] = chance.choice(VALUES[name])
        elif isinstance(options, dict) and options and chance.random() < 0.8:
            chosen[name] = chance.choice(list(options))
    return chosen


def _graph(seed: int, misp: Profile) -> Workflow:
    """A graph of 3 to 12 nodes over the modules of a version, its edges from earlier to later nodes only."""
    chance = random.Random(seed)
    listed = catalogue(misp)
    own = [(kind, name) for kind in ("logic", "action") for name in listed[kind] if name != "run-workflow"]
    nodes: dict[int, Any] = {}
    edges: list[Any] = []
    for key in range(2, chance.randint(3, 12) + 1):
        kind, name = chance.choice([*own, ("action", "gate"), ("action", "gate")])
        params = {"path": chance.choice(VALUES["path"])} if name == "gate" else _params(chance, listed[kind][name])
        narrow = {"selector": "Event._AttributeFlattened", "path": "type", "operator": "equals", "value": "ip-src"}
        nodes[key] = (name, params, narrow) if chance.random() < 0.2 else (name, params)
        edges.append((chance.randint(1, key - 1), key, chance.choice((1, 1, 2))))
    return load(workflow("any", chance.choice(("event-publish", "event-after-save-new")), nodes, edges))


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        members = list(value.items())
        chance.shuffle(members)
        return {key: _shuffled(entry, chance) for key, entry in members}
    return [_shuffled(entry, chance) for entry in value] if isinstance(value, list) else value


def _done(graph: Workflow, misp: Profile, event: Any = EVENT) -> Any:
    """What a run did, in a form to compare: path, outcome, what modules were sent."""
    world = World(misp=misp, now=1_700_000_000)
    try:
        done = run(graph, json.loads(json.dumps(event)), Scripted([GATE]), world=world, max_steps=300)
    except GraphError as error:
        return str(error)
    return {
        "end": (done.end, done.crash.kind if done.crash else "", done.errors),
        "steps": [(step.node.key, step.outcome, step.errors) for step in done.steps],
        "requests": [_without_timeout(exchange.fields) for exchange in done.exchanges],
        "jobs": [json.loads(job.data) for job in done.jobs],
    }


def _without_timeout(fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != "timeout"}


@pytest.mark.parametrize("version", MIRRORED)
def test_the_order_of_members_of_the_input_does_not_matter(version: str) -> None:
    for seed in range(60):
        graph = _graph(seed, profile(version))
        assert _done(graph, profile(version)) == _done(
            graph, profile(version), _shuffled(EVENT, random.Random(seed))
        ), seed


def test_versions_differ_only_where_the_table_says_so() -> None:
    """With those changes only that concern its modules, a graph runs as in the newest version; most of them matter."""
    newest, differing = profile(NEWEST), 0
    for seed in range(200):
        graph = _graph(seed, profile("2.5.19"))
        used = {node.module for node in graph.graph.nodes.values()}
        listed = frozenset(change for change in newest.changes if change.concerns(used))
        assert _done(graph, newest) == _done(graph, Profile(NEWEST, listed, NEWEST)), seed
        differing += _done(graph, newest) != _done(graph, Profile(OLDEST, frozenset(), NEWEST))
    assert differing > 20


def test_each_change_can_be_seen_or_is_said_to_be_read() -> None:
    assert all(change.known in ("recorded", "read", "likely") and change.before and change.after for change in CHANGES)
    known = {entry["id"] for entry in newer()} | {name for kind in catalogue().values() for name in kind}
    assert {name for change in CHANGES for name in change.modules} <= known
    assert {name for doubt in DOUBTS for name in doubt.ids} <= known


@pytest.mark.parametrize("text", ["", "2.5", "2.5.x", "2.5.0", "1.0.0", "latest", "2.5.1.1"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(InputError, match=r"2\.5\.50"):
        profile(text)


def test_a_version_between_has_what_came_until_then() -> None:
    between = profile("2.5.35")
    assert profiles.REQUESTS_NAME_TIMEOUT in between and profiles.JOBS_GO_BY_FILE not in between
    assert profiles.MATCHES_RENUMBERED in between and profiles.MATCHES_RENUMBERED not in profile("2.5.18")
    assert (
        "filter-tag" in catalogue(profile("2.5.8"))["logic"]
        and "filter-tag" not in catalogue(profile("2.5.7"))["logic"]
    )


def _walked(nodes: dict[int, Any], trigger: str = "event-publish", **world: Any) -> Run:
    edges = [(key - 1, key) for key in nodes]
    return run(load(workflow("W", trigger, nodes, edges)), EVENT, Scripted([GATE]), world=World(**world))


def test_what_is_not_established_is_said_and_ends_a_strict_run() -> None:
    nodes = {2: ("filter-timestamp", {"operator": "greater", "value": "3d"}), 3: ("gate", {})}
    done = _walked(nodes)
    assert done.success and "not established" in done.steps[0].doubt and not done.steps[1].doubt
    strict = _walked(nodes, strict=True)
    assert (strict.end, strict.success, len(strict.steps)) == ("not established", False, 1)
    assert strict.reason.startswith("filter-timestamp: ")
    trigger = _walked({2: ("gate", {})}, "event-before-delete")
    assert "read, never run" in trigger.doubt and trigger.blocking
    assert _walked({2: ("gate", {})}, "event-before-delete", strict=True).end == "not established"


def test_what_is_not_established_ends_a_strict_run_also_in_a_background_job() -> None:
    nodes = {2: ("concurrent-task", {}), 3: ("filter-timestamp", {"operator": "greater", "value": "3d"})}
    assert _walked(nodes).success
    strict = _walked(nodes, strict=True)
    assert (strict.end, strict.success) == ("not established", False)
    assert strict.reason.startswith("filter-timestamp: ")


def test_a_time_is_one_or_two_of_which_the_earlier_comes_first() -> None:
    def after(value: Any) -> Run:
        return _walked({2: ("filter-timestamp", {"operator": "greater", "value": value})}, now=1_700_000_000)

    (step,) = after(["1d", "1600000000"]).steps
    assert step.data_after["enabledFilters"]["A"]["value"] == [1_600_000_000, 1_699_913_600]
    (error,) = after(["1", "2", "3"]).steps[0].errors
    assert error.endswith("Timestamps can be a single value or an array of two values")


def test_requests_name_the_timeout_since_it_is_sent() -> None:
    assert _walked({2: ("gate", {})}).exchanges[0].fields["timeout"] == 10
    assert "timeout" not in _walked({2: ("gate", {})}, misp=profile("2.5.19")).exchanges[0].fields


def test_data_too_large_for_the_background_worker_is_said() -> None:
    event = {"Event": {**EVENT["Event"], "info": "x" * 200_000}}
    graph = load(workflow("W", "event-after-save-new", {2: ("concurrent-task", {}), 3: ("gate", {})}, [(1, 2), (2, 3)]))
    old = run(graph, event, Scripted([GATE]), world=World(misp=profile("2.5.19")))
    assert [note.split(" which")[0] for note in old.notes] == [
        "MISP 2.5.19 loses the data of the job of node 3",
        "MISP 2.5.19 loses the data of the trigger,",
    ]
    assert not run(graph, event, Scripted([GATE])).notes
    assert not run(graph, EVENT, Scripted([GATE]), world=World(misp=profile("2.5.19"))).notes


def test_what_an_ad_hoc_workflow_did_before_misp_died_of_it_is_told() -> None:
    called = workflow(
        "called",
        "adhoc_7",
        {2: ("gate", {"path": ""}), 3: ("generic-filter-reset", {"filtering-label": "A"})},
        [(1, 2), (2, 3)],
    )
    called["Workflow"]["data"]["1"]["data"]["indexed_params"] = {"scope": "passed_roaming_data"}
    nodes = {2: ("run-workflow", {"workflows": ["adhoc_7 :: called"], "input_data": "roaming_data"})}
    done = _walked(nodes, adhoc_workflows=[called])
    assert done.crash is not None and [exchange.module for exchange in done.exchanges] == ["gate"]
    alone = run(load(called), EVENT, Scripted([GATE]))
    assert alone.crash is not None and [exchange.module for exchange in alone.exchanges] == ["gate"]


def test_an_ad_hoc_workflow_is_run_by_another() -> None:
    called = workflow("called", "adhoc_7", {2: ("gate", {"path": ""})}, [(1, 2)])
    called["Workflow"]["data"]["1"]["data"]["indexed_params"] = {"scope": "passed_roaming_data"}
    nodes = {2: ("run-workflow", {"workflows": ["adhoc_7 :: called"], "input_data": "roaming_data"}), 3: ("gate", {})}
    done = _walked(nodes, adhoc_workflows=[called])
    assert done.success and [exchange.module for exchange in done.exchanges] == ["gate", "gate"]
    unknown = _walked(nodes)
    assert unknown.errors[0].endswith("Error: Invalid workflow")
    assert unknown.notes == ["adhoc_7 is none of the ad-hoc workflows given to this run."]
    itself = {2: ("run-workflow", {"workflows": ["adhoc_7 :: me"], "input_data": "roaming_data"})}
    endless = workflow("me", "adhoc_7", itself, [(1, 2)])
    endless["Workflow"]["data"]["1"]["data"]["indexed_params"] = {"scope": "passed_roaming_data"}
    with pytest.raises(GraphError, match="without end"):
        _walked(itself, adhoc_workflows=[endless])


def test_tags_of_no_event_are_no_change() -> None:
    only = {"selector": "Event._AttributeFlattened", "path": "type", "operator": "equals", "value": "ip-src"}
    done = _walked({2: ("tag_operation", {"scope": "event", "tags": ["a:b"]}, only)}, misp=profile("2.5.19"))
    assert done.success and not done.errors and not done.effects
    assert "leaves no event to tag" in done.steps[0].why


def test_what_leaves_a_blocklist_loses_its_tags_in_any_locality() -> None:
    chosen = {"attributeTypesToInclude": ["ip-src"], "blocklist": "l.txt", "removalTag": ["x:y"]}
    done = _walked({2: ("blocklist-action-module", chosen)}, files={"l.txt": "type=regex\n*198.51.100.3*\n"})
    detached = [one.detail[-1] for one in done.effects if one.name.startswith("Attribute.detach")]
    assert [one["local"] for one in detached] == [None]
