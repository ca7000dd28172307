"""Each rule of `misp-workflow check`, with a workflow that breaks it and one that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules import catalogue as modules
from misp_workflow.runner.modules.moduleapi import LocalServer, Scripted
from misp_workflow.runner.said.check import RULES, check
from misp_workflow.runner.walk.walk import run

ROOT = Path(__file__).resolve().parents[3]
SERVER = LocalServer([ROOT / "misp_modules" / "modules" / "action_mod"])
OTHER = {
    "name": "somebodys",
    "type": "action",
    "mispattributes": {},
    "meta": {
        "module-type": ["action"],
        "name": "somebodys",
        "version": "1",
        "config": {"params": {"api_token": {"type": "string"}, "path": {"type": "hash_path"}}, "support_filters": True},
    },
}


@pytest.fixture(scope="module")
def known() -> modules.Modules:
    return modules.load(Scripted([*SERVER.modules(), OTHER]), World())


def found(document: dict[str, Any], known: modules.Modules, world: World | None = None) -> set[tuple[str, Any]]:
    return {(one.rule, one.node.id if one.node else None) for one in check(load(document), known, world)}


GOOD = workflow(
    "good",
    "event-publish",
    {
        2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:green"]}),
        3: ("slack_message", {"destination": "soc"}),
    },
    [(1, 2), (2, 3)],
)


def test_a_good_workflow_has_no_finding(known: modules.Modules) -> None:
    assert found(GOOD, known) == set()


def with_node(
    module: str, params: dict[str, Any], trigger: str = "event-publish", filter_: Any = None
) -> dict[str, Any]:
    node = (module, params, filter_) if filter_ else (module, params)
    return workflow("one", trigger, {2: node}, [(1, 2)])


FILTER = {"selector": "Event._AttributeFlattened.{n}", "path": "type", "operator": "in", "value": "md5"}
SLACK = {"destination": "soc"}

LOOKING = {"scope": "event", "condition": "in_or", "tags": ["ok"]}


def without_core_format(document: dict[str, Any]) -> dict[str, Any]:
    del document["Workflow"]["data"]["1"]["data"]["misp_core_format"]
    return document


NARROWED = {"filtering-label": "A", "selector": "Event.Tag.{n}", "hash_path": "name", "operator": "in", "value": "x"}


def unreached() -> dict[str, Any]:
    """Node 4 behind a filter, and behind node 3, to which nothing leads: a running MISP stores it and opens it never."""
    nodes = {2: ("generic-filter-data", NARROWED), 3: ("slack_message", SLACK), 4: ("slack_message", SLACK)}
    return workflow("unreached", "event-publish", nodes, [(1, 2), (2, 4), (3, 4)])


def with_connections(name: str, connections: Any) -> dict[str, Any]:
    document = workflow(
        name, "event-publish", {2: ("slack_message", SLACK), 3: ("slack_message", SLACK)}, [(1, 2), (2, 3)]
    )
    document["Workflow"]["data"]["2"]["outputs"]["output_1"]["connections"] = connections
    return document


def some_labelled(**second: str) -> dict[str, Any]:
    """Two filters, of which a running MISP makes pairs with their labels: with one label it opens the workflow never."""
    unlabelled = {key: value for key, value in NARROWED.items() if key != "filtering-label"}
    nodes = {2: ("generic-filter-data", NARROWED), 3: ("generic-filter-data", {**unlabelled, **second})}
    return workflow("labels", "event-publish", nodes, [(1, 2), (2, 3)])


TAG = {"scope": "attribute", "action": "add", "locality": "local", "tags": ["x"]}

CASES: dict[str, tuple[dict[str, Any], tuple[str, Any]]] = {
    "an input that no path leads to": (unreached(), ("never-opened", 4)),
    "a connection that is a text": (with_connections("text", ["4"]), ("not-stored", 2)),
    "a filter without a label beside one with": (some_labelled(), ("no-label", 3)),
    "tags behind a decay score": (workflow("decay", "event-publish", {
        2: ("attach-decay-score", {"decayingmodels": ["1"]}),
        3: ("tag-if", {"scope": "attribute", "condition": "in_or", "tags": ["x"]}),
    }, [(1, 2), (2, 3)]), ("tags-lost", 3)),
    "a tag attached before a save": (with_node("tag_operation", {"scope": "event", "action": "add", "tags": ["x"]},
                                               "event-before-save"), ("save-refused", 2)),
    "tags that MISP never fires for": (with_node("slack_message", SLACK, "tag-attached-after-save"), ("never-fires", 1)),
    "a publication within itself": (with_node("publish-event", {}), ("recursion", 2)),
    "a publication after each save": (with_node("publish-event", {}, "event-after-save"), ("recursion", 2)),
    "a flag set at each save": (with_node("attribute_ids_flag_operation", {"action": "add"}, "attribute-after-save"),
                                ("recursion", 2)),
    "tags of what is no attribute": (with_node("tag_operation", TAG, filter_={**FILTER, "selector": "Event.Object.{n}"}),
                                     ("other-attributes", 2)),
    "tags of the event's number": (with_node("tag_operation", TAG, filter_={"operator": "equals"}),
                                   ("other-attributes", 2)),
    "unknown trigger": (with_node("slack_message", SLACK, "event-unpublish"), ("unknown-trigger", 1)),
    "unknown module": (with_node("no_such_module", {}), ("unknown-module", 2)),
    "cycle": (workflow("c", "event-publish", {2: ("slack_message", SLACK), 3: ("slack_message", SLACK)}, [(1, 2), (2, 3), (3, 2)]),
              ("cycle", 3)),
    "several": (workflow("s", "event-publish", {2: ("slack_message", SLACK), 3: ("slack_message", SLACK)}, [(1, 2), (1, 3)]),
                ("several-connections", 1)),
    "notice": (with_node("stop-execution", {}, "event-after-save-new"), ("misp-notice", 2)),
    "after concurrent": (workflow("c", "event-publish", {2: ("concurrent-task", {}), 3: ("stop-execution", {})}, [(1, 2), (2, 3)]),
                         ("blocks-nothing", 3)),
    "open gate": (with_node("publish_gate", {"required_tags": "tlp:*"}), ("fails-open", 2)),
    "goes on": (workflow("g", "event-publish", {2: ("slack_message", SLACK), 3: ("publish-event", {})}, [(1, 2), (2, 3)]),
                ("goes-on", 2)),
    "secret": (with_node("slack_message", {"webhook_url": "https://hooks.slack.example/secret"}), ("secret-in-node", 2)),
    "secret by name": (with_node("somebodys", {"api_token": "abc"}), ("secret-in-node", 2)),
    "unknown parameter": (with_node("slack_message", {**SLACK, "chanel": "#soc"}), ("unknown-parameter", 2)),
    "missing parameter": (with_node("http_request", {}), ("missing-parameter", 2)),
    "template": (with_node("slack_message", {**SLACK, "message": "line\n{{ event.info"}), ("template", 2)),
    "path on a user": (with_node("somebodys", {"path": "Event.Attribute.{n}.value"}, "user-after-save"), ("path", 2)),
    "path without data": (with_node("somebodys", {"path": "Event._AttributeFlattened.{n}.value"}, "event-after-save"), ("path", 2)),
    "path from elsewhere": (with_node("somebodys", {"path": "Attribute.{n}.value"}), ("path", 2)),
    "incomplete filter": (with_node("slack_message", SLACK, filter_={**FILTER, "selector": ""}), ("filter", 2)),
    "only a value in the filter": (with_node("tag_operation", {}, filter_={**dict.fromkeys(FILTER, ""), "value": "x"}), ("filter", 2)),
    "unknown operator": (with_node("slack_message", SLACK, filter_={**FILTER, "operator": "like"}), ("filter", 2)),
    "filter without match": (with_node("somebodys", {}, filter_=FILTER), ("filter", 2)),
    "no data": (with_node("tag_operation", {"scope": "attribute"}, "event-after-save"), ("no-data", 2)),
    "tags before a save": (with_node("event_gate", {"required_tags": "tlp:*"}, "event-before-save"), ("no-tags", 2)),
    "renamed": (with_node("publish_gate", {"tlp_once": "true"}), ("renamed", 2)),
    "old approval": (workflow("o", "event-publish",
                              {2: ("publish_gate", {"required_tags": "tlp:*", "approval_tag": "ok"}), 3: ("reload-full-event", {}),
                               4: ("tag-if", LOOKING), 5: ("push-zmq", {}), 6: ("stop-execution", {})},
                              [(1, 2), (2, 3), (3, 4), (4, 5), (4, 6, 2)]),
                     ("old-approval", 2)),
    "never reloads": (without_core_format(with_node("reload-full-event", {})), ("never-reloads", 2)),
    "rendered": (with_node("stop-execution", {"message": "No."}), ("rendered", 2)),
    "not offered": (with_node("generic-if", {"operator": "in_and", "value": "a", "hash_path": "Event.info"}), ("not-offered", 2)),
    "never equal": (with_node("generic-if", {"operator": "equals", "value": "a", "hash_path": "Event.Tag.{n}.name"}), ("never-equal", 2)),
    "wiped": (with_node("generic-filter-reset", {"filtering-label": "all"}), ("wiped", 2)),
    "no country": (with_node("assign_country", {"hash_path": "Event.info"}), ("no-country", 2)),
    "overhead": (with_node("slack_message", SLACK, "attribute-after-save"), ("overhead", 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rule(name: str, known: modules.Modules) -> None:
    document, expected = CASES[name]
    assert expected in found(document, known)
    assert expected not in found(GOOD, known)


@pytest.mark.parametrize("operator", ["equals", "not_equals"])
@pytest.mark.parametrize("path", ["Event.Tag.{n}.name", "{s}.info", "Event.Attribute.{n}[type=md5].value"])
@pytest.mark.parametrize("version", ["2.5.1", "2.5.19", "2.5.50"])
def test_what_is_told_of_a_pattern_is_what_the_engine_does(operator: str, path: str, version: str) -> None:
    """Whatever the value: else. What the finding says to use instead tells values apart."""
    event = {"Event": {"info": "a", "Tag": [{"name": "a"}], "Attribute": [{"type": "md5", "value": "a"}]}}
    world = World(misp=profile(version))

    def told_and_done(asked: str, at: str, value: str) -> tuple[bool, str]:
        document = load(with_node("generic-if", {"operator": asked, "value": value, "hash_path": at}))
        told = any(one.rule == "never-equal" for one in check(document, modules.load(Scripted([]), world), world))
        return told, run(document, event, Scripted([]), world=world).steps[0].outcome

    assert [told_and_done(operator, path, value) for value in ("a", "z")] == [(True, "else")] * 2
    instead = {"equals": "in", "not_equals": "not_in"}[operator]
    both = [(False, "then"), (False, "else")]
    for asked, at in ((instead, path), (operator, "Event.Tag.0.name")):
        done = [told_and_done(asked, at, value) for value in ("a", "z")]
        assert done == (both if operator == "equals" else both[::-1])


@pytest.mark.parametrize("connections", [None, 5, "x", ["4"], [{"node": "3"}, "x"]])
def test_what_misp_does_not_store_of_connections(connections: Any, known: modules.Modules) -> None:
    assert ("not-stored", 2) in found(with_connections("odd", connections), known)
    assert ("not-stored", 2) not in found(with_connections("stored", [None, 5, [], {"node": "3"}]), known)


def test_the_holding_graph_has_no_finding(known: modules.Modules) -> None:
    for path in sorted((ROOT / "examples" / "workflows").glob("hold-*.json")):
        assert check(load(path.read_bytes()), known) == [], path.stem


def test_no_example_has_an_error_and_only_gates_that_no_graph_can_help_have_a_warning(known: modules.Modules) -> None:
    found = {
        path.stem: check(load(path.read_bytes()), known) for path in (ROOT / "examples" / "workflows").glob("*.json")
    }
    assert len(found) >= 13
    assert {name: [one.rule for one in some] for name, some in found.items() if some} == {
        "gate-users": ["fails-open"],
        "guard-enrichment": ["fails-open"],
        "publish-gate": ["fails-open"],
    }


def test_no_trigger_and_two_triggers(known: modules.Modules) -> None:
    none = {"2": GOOD["Workflow"]["data"]["3"]}
    two = {**GOOD["Workflow"]["data"], "9": {**GOOD["Workflow"]["data"]["1"], "id": 9}}
    assert ("one-trigger", None) in found(none, known) and ("one-trigger", None) in found(two, known)


def test_disabled_module(known: modules.Modules) -> None:
    world = World(disabled_modules=frozenset({"slack_message"}))
    disabled = modules.load(Scripted(SERVER.modules()), world)
    assert ("misp-notice", 3) in found(GOOD, disabled, world)


def test_the_whole_cycle_is_named(known: modules.Modules) -> None:
    finding = next(one for one in check(load(CASES["cycle"][0]), known) if one.rule == "cycle")
    assert (
        "slack_message (2) → slack_message (3)" in finding.why
        and "slack_message (3) → slack_message (2)" in finding.why
    )


def test_a_secret_is_never_printed(known: modules.Modules) -> None:
    for document, _ in CASES.values():
        assert not any("hooks.slack.example" in str(one) for one in check(load(document), known))


def test_every_rule_has_a_case() -> None:
    covered = {expected[0] for _, expected in CASES.values()} | {"one-trigger"}
    assert len(RULES) <= len(covered) + 1, "a rule without a case"


def test_paths_inside_of_items_are_no_finding(known: modules.Modules) -> None:
    nodes = {
        2: (
            "generic-filter-data",
            {"selector": "Event._AttributeFlattened.{n}", "hash_path": "type", "operator": "in"},
        ),
        3: ("assign_country", {"scope": "attribute", "hash_path": "enrichment.{n}.values.0"}),
    }
    document = load(workflow("W", "event-publish", nodes, [(1, 2), (2, 3)]))
    assert not [finding for finding in check(document, known) if finding.rule == "path"]
    wrong = {2: ("generic-filter-data", {**nodes[2][1], "selector": "Log.{n}"})}
    document = load(workflow("W", "event-publish", wrong, [(1, 2)]))
    assert [finding.rule for finding in check(document, known) if finding.rule == "path"] == ["path"]


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("Event._AttributeFlattened.{n}[value=a.b]", False),
        ("Event.Attribute.{*}", False),
        ("Event.Attribute.0", False),
        ("Event.Tag.{n}[name=Attribute]", True),
    ],
)
def test_which_selectors_are_of_attributes(selector: str, told: bool, known: modules.Modules) -> None:
    document = load(with_node("tag_operation", TAG, filter_={**FILTER, "selector": selector}))
    assert ("other-attributes" in {finding.rule for finding in check(document, known)}) is told


@pytest.mark.parametrize(
    ("document", "near"),
    [
        (with_node("slack_message", SLACK, "event-publsh"), "event-publish"),
        (with_node("slak_message", SLACK), "slack_message"),
    ],
)
def test_the_nearest_name_of_what_is_not_there(document: dict[str, Any], near: str, known: modules.Modules) -> None:
    told = check(load(document), known)
    whys = " ".join(finding.why for finding in told if finding.rule.startswith("unknown-"))
    assert f"the nearest name is “{near}”" in whys
