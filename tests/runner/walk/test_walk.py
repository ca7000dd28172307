"""A run and what it records, beyond what the recorded cases compare."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pymisp import MISPEvent

from misp_workflow.errors import GraphError
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import Edge, workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import Run, run

EVENT = {
    "Event": {
        "id": "7",
        "info": "Phishing",
        "published": False,
        "Tag": [{"name": "tlp:green"}],
        "Attribute": [
            {"id": "1", "type": "ip-src", "value": "198.51.100.1", "to_ids": True, "timestamp": "1"},
            {"id": "2", "type": "domain", "value": "a.example", "to_ids": False, "timestamp": "1"},
        ],
    }
}


def _listed(name: str, blocking: bool = False, **params: str) -> dict[str, Any]:
    config = {
        "params": {key: {"type": kind, "description": ""} for key, kind in params.items()},
        "blocking": blocking,
        "support_filters": True,
    }
    return {
        "name": name,
        "type": "action",
        "mispattributes": {"config": config},
        "meta": {"version": "1", "module-type": ["action"], "description": name, "config": config},
    }


LISTED = [_listed("gate", blocking=True), _listed("tell", a_path="hash_path", text="string"), _listed("other")]


def walked(
    nodes: dict[int, Any],
    edges: list[Edge],
    answers: dict[str, list[dict[str, Any]]] | None = None,
    trigger: str = "event-publish",
    data: Any = EVENT,
    **options: Any,
) -> Run:
    return run(load(workflow("W", trigger, nodes, edges)), data, Scripted(LISTED, answers), **options)


def outcomes(done: Run) -> list[tuple[str, str]]:
    return [(step.node.module, step.outcome) for step in done.steps]


ERROR = {"type": "ok", "body": {"error": "no, thanks"}}
IS_GREEN = ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:green"]})
ONLY_IPS = {"selector": "Event._AttributeFlattened.{n}", "hash_path": "type", "operator": "equals", "value": "ip-src"}


def test_a_branch_says_what_was_compared() -> None:
    done = walked({2: IS_GREEN, 3: ("tell", {}), 4: ("other", {})}, [(1, 2), (2, 3), (2, 4, 2)])
    assert outcomes(done) == [("tag-if", "then"), ("tell", "ok")]
    assert done.steps[0].why == 'tags are ["tlp:green"]; asked: in_or ["tlp:green"]'
    assert (done.success, done.end, done.blocked_by) == (True, "success", None)


def test_who_blocks_and_why() -> None:
    done = walked({2: ("gate", {}), 3: ("tell", {})}, [(1, 2), (2, 3)], {"gate": [ERROR]})
    assert (done.success, done.end) == (False, "failure")
    assert done.blocked_by is done.steps[0]
    assert done.errors == ["Node `gate` (2) from Workflow `W` returned the following error: no, thanks"]
    assert outcomes(done) == [("gate", "error")]


def test_stop_execution_is_a_block() -> None:
    done = walked({2: ("stop-execution", {"message": "{{ Event.info }} stays"})}, [(1, 2)])
    assert (done.end, done.steps[0].errors) == ("blocked", ["Phishing stays"])
    assert done.steps[0].record.rendered == {"message": "Phishing stays"}


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ({"type": "timeout"}, "gate does not answer within 10 s, as the script wants it."),
        ({"type": "refused"}, "Nobody answers for gate, as the script wants it."),
        ({"type": "raw", "code": 500, "body": "x"}, "HTTP 500, which MISP takes for no answer at all"),
        ({"type": "raw", "body": "<html>"}, "An answer that is no JSON, which MISP takes for a success."),
        ({"type": "ok", "body": False}, "No error."),
        ({"type": "ok", "body": {"data": True}}, "No error."),
    ],
)
def test_what_is_no_error_lets_pass_and_says_how(answer: dict[str, Any], reading: str) -> None:
    done = walked({2: ("gate", {})}, [(1, 2)], {"gate": [answer]})
    assert done.success
    assert (
        reading.rstrip(".") in done.steps[0].exchanges[0].reading
        or "this yes is scripted" in done.steps[0].exchanges[0].reading
    )


def test_an_exchange_keeps_the_request_as_it_was_sent() -> None:
    done = walked({2: ("tell", {"a_path": "Event.Tag.{n}.name", "text": "x"})}, [(1, 2)])
    exchange = done.exchanges[0]
    body = exchange.body()
    assert exchange.size == len(body)
    assert list(json.loads(body)) == ["module", "data", "filteredItems", "params", "matchingData", "timeout"]
    assert json.loads(body)["matchingData"] == {"A Path": ["tlp:green"]}
    assert exchange.fields["data"] is done.data


def test_steps_share_the_event_instead_of_copying_it() -> None:
    nodes = {2: ("tell", {}), 3: ("generic-filter-data", ONLY_IPS), 4: ("tell", {}), 5: ("generic-filter-reset", {})}
    done = walked(nodes, [(1, 2), (2, 3), (3, 4), (4, 5)])
    first, with_filter, told, reset = done.steps
    assert first.data_before is done.data and not first.changed
    assert with_filter.changed and with_filter.data_after["Event"] is done.data["Event"]
    assert told.filters == {
        "A": {"selector": ONLY_IPS["selector"], "path": "type", "operator": "equals", "value": "ip-src"}
    }
    assert told.exchanges[0].fields["data"]["Event"]["Attribute"] is done.data["Event"]["Attribute"]
    assert reset.data_after["Event"] is done.data["Event"]


def test_jobs_say_what_they_did() -> None:
    nodes = {2: ("concurrent-task", {}), 3: ("gate", {}), 4: ("tell", {})}
    done = walked(nodes, [(1, 2), (2, 3), (3, 4)], {"gate": [ERROR]})
    assert done.success and outcomes(done) == [("concurrent-task", "queued")]
    (job,) = done.job_runs
    assert (job.success, job.end, [step.node.module for step in job.steps]) == (False, "failure", ["gate"])
    assert json.loads(job.job.data)["Event"]["info"] == "Phishing"


def test_jobs_of_jobs_in_a_circle_are_given_up() -> None:
    done = walked({2: ("concurrent-task", {}), 3: ("tell", {})}, [(1, 2), (2, 3), (3, 2)])
    assert len(done.job_runs) == 1000
    assert "concurrent tasks in a cycle" in done.reason


def test_after_a_failure_logic_still_runs_where_nothing_blocks() -> None:
    nodes = {2: ("tell", {}), 3: IS_GREEN, 4: ("other", {}), 5: ("concurrent-task", {}), 6: ("other", {})}
    edges: list[Edge] = [(1, 2), (2, 3), (3, 4), (2, 5), (5, 6)]
    done = walked(nodes, edges, {"tell": [ERROR]}, trigger="event-after-save")
    assert outcomes(done) == [
        ("tell", "error"),
        ("tag-if", "then"),
        ("other", "skipped"),
        ("concurrent-task", "queued"),
    ]
    assert [step.on_blocked_path for step in done.steps] == [False, True, True, True]
    assert done.success and [job.end for job in done.job_runs] == ["success"]


def test_a_crash_keeps_what_was_before_and_the_node_it_was_in() -> None:
    done = walked({2: ("tell", {}), 3: ("tag-if", {"tags": "tlp:red"})}, [(1, 2), (2, 3)])
    assert (done.end, done.success) == ("crash", False)
    assert done.crash is not None and "TypeError" in str(done.crash)
    assert [step.node.module for step in done.steps] == ["tell", "tag-if"]


def test_disabled_unknown_and_newer_modules() -> None:
    nodes = {2: ("tell", {}), 3: ("nobody", {}), 4: ("run-workflow", {}), 5: ("other", {})}
    world = World(misp=profile("2.5.1"), disabled_modules=frozenset({"tell"}))
    done = walked(nodes, [(1, 2), (2, 3), (3, 4), (4, 5)], world=world)
    assert [step.outcome for step in done.steps] == ["disabled", "unknown", "unknown", "ok"]
    assert "2.5.14 does" in done.steps[2].why and "does" not in done.steps[1].why.replace("does not", "")
    assert done.success and len(done.errors) == 3


def test_the_list_of_modules_may_be_missing() -> None:
    document = load(workflow("W", "event-publish", {2: ("gate", {}), 3: ("stop-execution", {})}, [(1, 2), (2, 3)]))
    done = run(document, EVENT, Scripted(None))
    assert [step.outcome for step in done.steps] == ["unknown", "error"] and done.end == "blocked"


def test_not_started() -> None:
    done = walked({2: ("tell", {})}, [(1, 2)], trigger="post-after-save", world=World(misp=profile("2.5.1")))
    assert (done.end, done.steps, done.success) == ("not started", [], False)
    assert done.reason == "Error while normalizing data for trigger. Invalid input."


def test_another_trigger() -> None:
    done = walked({2: ("gate", {})}, [(1, 2)], trigger="event-after-save", data=EVENT)
    assert not done.blocking
    document = load(workflow("W", "event-after-save", {2: ("gate", {})}, [(1, 2)]))
    again = run(document, EVENT, Scripted(LISTED), trigger="event-publish")
    assert again.blocking and again.trigger == "event-publish"


def test_a_pymisp_event() -> None:
    event = MISPEvent()
    event.info = "From Python"
    event.add_attribute("ip-src", "198.51.100.7")
    done = walked({2: ("tell", {"a_path": "Event._AttributeFlattened.{n}.value"})}, [(1, 2)], data=event)
    assert done.exchanges[0].fields["matchingData"] == {"A Path": ["198.51.100.7"]}


def test_too_many_paths_are_given_up() -> None:
    nodes = {number: ("other", {}) for number in range(2, 12)}
    edges: list[Edge] = [(start, end) for start in range(1, 12) for end in range(2, 12) if start != end]
    with pytest.raises(GraphError, match="too many paths"):
        walked(nodes, edges, max_steps=1000)


def test_a_long_chain_needs_no_deep_stack() -> None:
    length = 3000
    nodes = dict.fromkeys(range(2, length), IS_GREEN)
    done = walked(nodes, [(number, number + 1) for number in range(1, length - 1)])
    assert len(done.steps) == length - 2 and done.success


def test_an_empty_object_is_an_empty_array_everywhere() -> None:
    event = {"Event": {**EVENT["Event"], "Galaxy": [{"meta": {}}]}}
    done = walked({2: ("tell", {"a_path": "Event.Galaxy.0.meta"})}, [(1, 2)], data=event)
    assert b'"meta":[]' in done.exchanges[0].body() and b"{}" not in done.exchanges[0].body()
