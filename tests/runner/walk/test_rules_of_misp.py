"""Rules of MISP that a graph lives or dies by, one by one, as seen on a real MISP or recorded from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import Run, run

EVENT = {
    "Event": {
        "id": "7",
        "info": "Phishing",
        "org_id": "1",
        "orgc_id": "2",
        "Tag": [{"name": "tlp:amber"}],
        "Attribute": [{"id": "1", "type": "sha512", "value": "00"}],
    }
}
GATE = {
    "name": "gate",
    "mispattributes": {},
    "meta": {"module-type": ["action"], "config": {"params": {}, "blocking": True}},
}
OLD, NEW = World(misp=profile("2.5.1")), World(misp=profile("2.5.19"))


def walked(nodes: dict[int, Any], document: Mapping[str, Any] | None = None, world: World = OLD) -> Run:
    """A chain of these nodes behind event-publish; node 1 is the trigger."""
    built = workflow("W", "event-publish", nodes, [(key - 1, key) for key in nodes])
    built["Workflow"].update(document or {})
    return run(load(built), EVENT, Scripted([GATE]), world=world)


@pytest.mark.parametrize(
    ("saved", "reloaded"), [(True, True), ("false", True), (False, False), ("", False), (None, False)]
)
def test_only_what_the_stored_trigger_says_makes_a_reload(saved: Any, reloaded: bool) -> None:
    tagged = ("tag_operation", {"scope": "event", "action": "add", "locality": "local", "tags": ["approved"]})
    graph = load(workflow("W", "event-publish", {2: tagged, 3: ("reload-full-event", {})}, [(1, 2), (2, 3)]))
    stored = {key: dict(node.raw) for key, node in graph.graph.nodes.items()}
    stored["1"]["data"] = {**stored["1"]["data"], "misp_core_format": saved}
    done = run(load({"Workflow": {"data": stored}}), EVENT, Scripted([]), world=OLD)
    names = [tag["name"] for tag in done.steps[-1].data_after["Event"]["Tag"]]
    assert ("approved" in names) is reloaded
    assert ("misp_core_format" in done.steps[-1].why) is not reloaded


@pytest.mark.parametrize("off", ["Enrichment", "renderer down"])
@pytest.mark.parametrize(("world", "end"), [(OLD, "crash"), (NEW, "blocked")])
def test_a_template_that_nobody_renders(off: str, world: World, end: str) -> None:
    server = Scripted([], {"jinja_template_rendering": [{"type": "refused"}]} if off == "renderer down" else {})
    world = World(misp=world.misp, disabled_services=frozenset({off}))
    graph = load(workflow("W", "event-publish", {2: ("stop-execution", {"message": "Held"})}, [(1, 2)]))
    done = run(graph, EVENT, server, world=world)
    assert done.end == end
    silent = load(workflow("W", "event-publish", {2: ("stop-execution", {"message": ""})}, [(1, 2)]))
    assert run(silent, EVENT, server, world=world).end == "blocked"


def test_without_the_action_service_no_python_module_is_known() -> None:
    done = walked(
        {2: ("gate", {}), 3: ("push-zmq", {})}, world=World(misp=OLD.misp, disabled_services=frozenset({"Action"}))
    )
    assert done.success and [step.outcome for step in done.steps] == ["unknown", "ok"]
    assert "Could not load class for module: gate" in done.errors[0]


@pytest.mark.parametrize("operator", ["in_and", "not_in_or", "not_in_and"])
def test_operators_that_the_editor_does_not_offer_look_at_the_value(operator: str) -> None:
    asked = {"operator": operator, "value_list": ["sha512"], "hash_path": "Event._AttributeFlattened.{n}.type"}
    assert walked({2: ("generic-if", asked)}).steps[0].outcome == "else"
    assert walked({2: ("generic-if", {**asked, "operator": "in_or"})}).steps[0].outcome == "then"


@pytest.mark.parametrize(
    ("condition", "org_id", "outcome"),
    [("equals", ["2"], "then"), ("equals", "2", "then"), ("not_equals", ["2"], "else"), ("in", "1", "else")],
)
def test_old_conditions_and_a_plain_organisation(condition: str, org_id: Any, outcome: str) -> None:
    asked = {"org_type": "orgc", "condition": condition, "org_id": org_id}
    assert walked({2: ("organisation-if", asked)}).steps[0].outcome == outcome


def test_a_graph_of_another_trigger_than_the_one_listed_is_refused() -> None:
    done = walked({2: ("gate", {})}, {"trigger_id": "event-before-save"})
    assert (done.success, done.end, done.reason) == (False, "not started", "Invalid start node `-1`")


@pytest.mark.parametrize("answer", [False, None, 1, "error", []])
def test_a_publish_that_is_not_true_is_a_failed_node(answer: Any) -> None:
    done = walked({2: ("publish-event", {})}, world=World(misp=OLD.misp, model_returns={"Event.publish": answer}))
    assert [node.module for node in done.failed] == ["publish-event"] and not done.errors


@pytest.mark.parametrize(
    ("receiver", "sentence"),
    [
        ({"type": "raw", "body": "no", "code": 403}, "Authentication failed."),
        ({"type": "raw", "body": "", "code": 401}, "Authentication failed."),
        ({"type": "ok", "body": {"e": 1}, "code": 400}, 'having issues. Body returned: {"e":1}'),
        ({"type": "timeout"}, "Operation timed out after 300000 milliseconds with 0 bytes received"),
        ({"type": "refused"}, "Failed to connect to hook.example port 443 after 0 ms: Couldn't connect to server"),
    ],
)
def test_a_webhook_that_fails_has_a_sentence_of_its_own(receiver: dict[str, Any], sentence: str) -> None:
    hook = ("webhook", {"url": "https://hook.example/x", "request_method": "post", "content_type": "json"})
    graph = load(workflow("W", "event-publish", {2: hook}, [(1, 2)]))
    done = run(graph, EVENT, Scripted([], {"http": [receiver]}), world=OLD)
    assert done.steps[0].outcome == "error" and done.steps[0].errors[0].endswith(sentence)
    assert done.effects[0].detail["headers"]["User-Agent"] == "MISP 2.5.1"


def test_a_list_in_a_template_ends_the_walk() -> None:
    assert walked({2: ("stop-execution", {"message": ["a"]})}).end == "crash"


def test_an_event_that_is_gone_ends_a_reload() -> None:
    gone = World(misp=OLD.misp, rows={"events": {"8": {"Event": {"id": "8"}}}})
    assert walked({2: ("reload-full-event", {})}, world=gone).end == "crash"
    assert walked({2: ("reload-full-event", {})}, world=World(misp=OLD.misp, rows={"events": {}})).end == "crash"
    assert walked({2: ("reload-full-event", {})}).end == "success"  # no rows were given at all


def test_data_that_is_no_text_goes_into_no_background_job() -> None:
    graph = load(workflow("W", "event-publish", {2: ("concurrent-task", {}), 3: ("gate", {})}, [(1, 2), (2, 3)]))
    done = run(graph, {"Event": {**EVENT["Event"], "info": "\ud800"}}, Scripted([GATE]), world=OLD)
    assert (done.end, done.job_runs) == ("crash", []) and "Malformed UTF-8" in str(done.crash)


def test_a_cluster_without_meta_has_an_empty_object_in_requests_and_a_list_in_jobs() -> None:
    """As a running MISP 2.5.1 sends it: an object there, an array once the job has read its data."""
    nodes = {2: ("gate", {}), 3: ("concurrent-task", {}), 4: ("gate", {})}
    graph = load(workflow("W", "event-publish", nodes, [(1, 2), (2, 3), (3, 4)]))
    clusters = [{"value": "v"}, {"value": "w", "meta": {}}, {"value": "x", "meta": {"a": ["b"]}}]
    done = run(
        graph, {"Event": {**EVENT["Event"], "Galaxy": [{"GalaxyCluster": clusters}]}}, Scripted([GATE]), world=OLD
    )
    sent = bytes(done.exchanges[0].body())
    written = b'"GalaxyCluster":[{"value":"v","meta":{}},{"value":"w","meta":{}},{"value":"x","meta":{"a":["b"]}}]'
    assert written in sent and written in done.jobs[0].data
    assert written.replace(b"{}", b"[]") in bytes(done.job_runs[0].exchanges[0].body())


def test_a_job_for_a_node_that_is_not_there_dies() -> None:
    """The task itself does not look: MISP puts the job into the queue."""
    graph = load(workflow("W", "event-publish", {2: ("concurrent-task", {})}, [(1, 2), (2, 99)]))
    done = run(graph, EVENT, Scripted([GATE]), world=OLD)
    assert done.end == "success"
    assert [job.crash.message for job in done.job_runs if job.crash] == ["Could not find start node 99"]


@pytest.mark.parametrize(
    ("target", "end"), [(None, "crash"), (3.0, "success"), ("3", "success"), (3, "success"), ([], "success")]
)
def test_a_connection_leads_where_its_node_says(target: Any, end: str) -> None:
    row = workflow("W", "event-publish", {2: ("gate", {}), 3: ("gate", {})}, [(1, 2), (2, 3)])
    row["Workflow"]["data"]["2"]["outputs"]["output_1"]["connections"] = [{"node": target}]
    done = run(load(row), EVENT, Scripted([GATE]), world=OLD)
    assert (done.end, len(done.executed)) == (end, 2 if target in (3, "3") else 1)


@pytest.mark.parametrize("connection", [0, "3", None, [], [1], {}, {"output": "input_1"}])
def test_what_is_no_connection_is_death(connection: Any) -> None:
    row = workflow("W", "event-publish", {2: ("gate", {}), 3: ("gate", {})}, [(1, 2), (2, 3)])
    row["Workflow"]["data"]["2"]["outputs"]["output_1"]["connections"] = [connection]
    done = run(load(row), EVENT, Scripted([GATE]), world=OLD)
    assert (done.end, len(done.executed)) == ("crash", 1)


@pytest.mark.parametrize("module", ["gate", "published-if", "concurrent-task"])
@pytest.mark.parametrize(("number", "end"), [(None, "crash"), ("2x", "crash"), ("2.0", "success"), (" 2", "success")])
def test_a_node_without_a_number_cannot_be_run(module: str, number: Any, end: str) -> None:
    row = workflow("W", "event-publish", {2: (module, {}), 3: ("gate", {})}, [(1, 2), (2, 3)])
    row["Workflow"]["data"]["2"]["id"] = number
    assert run(load(row), EVENT, Scripted([GATE]), world=OLD).end == end


def test_a_graph_stored_as_a_list_begins_at_the_place_of_its_triggers_number() -> None:
    nodes = workflow("W", "event-publish", {2: ("gate", {})}, [(1, 2)])["Workflow"]["data"]
    done = run(load(list(nodes.values())), EVENT, Scripted([GATE]), world=OLD)
    assert (done.end, [node.id for node in done.executed]) == ("success", [2])
