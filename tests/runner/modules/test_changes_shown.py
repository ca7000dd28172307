"""What reload-full-event reads: the event, with what MISP's own actions changed in this run."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from misp_workflow.runner.data.profiles import NEWEST as NUMBER
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.changes import after
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import Run, run

NEWEST = profile(NUMBER)

RED = {"name": "tlp:red", "local": False}
APPROVED = {"name": "workflow:approved", "local": True}
EVENT = {
    "Event": {
        "id": "7",
        "distribution": "1",
        "published": True,
        "Tag": [RED, APPROVED],
        "Attribute": [
            {"id": "1", "event_id": "7", "type": "ip-src", "value": "198.51.100.1", "to_ids": False},
            {"id": "2", "event_id": "7", "type": "md5", "value": "d4", "to_ids": False, "Tag": [{"name": "old"}]},
        ],
    }
}
ON_MD5 = {"selector": "Event._AttributeFlattened.{n}", "path": "type", "operator": "equals", "value": "md5"}


def after_reload(*nodes: tuple[Any, ...], world: World | None = None) -> dict[str, Any]:
    """The event that travels on behind these nodes and a reload-full-event."""
    numbered = dict(enumerate([*nodes, ("reload-full-event", {})], start=2))
    edges = [(number - 1, number) for number in numbered]
    document = workflow("W", "event-publish", {number: node[:2] for number, node in numbered.items()}, edges)
    for number, node in numbered.items():
        if len(node) > 2:
            document["Workflow"]["data"][str(number)]["data"]["saved_filters"] = node[2]
    done: Run = run(load(document), copy.deepcopy(EVENT), Scripted([]), world=world)
    assert done.end == "success", done.errors
    event: dict[str, Any] = done.steps[-1].data_after["Event"]
    return event


def names(tagged: dict[str, Any], key: str = "Tag") -> list[str]:
    return [tag["name"] for tag in tagged.get(key, [])]


def test_tags_of_the_event_show_after_a_reload() -> None:
    event = after_reload(
        ("tag_operation", {"tags": ["new", "tlp:red"], "locality": "local"}),
        ("tag_operation", {"action": "remove", "tags": ["workflow:approved"], "locality": "any"}),
    )
    assert names(event) == ["tlp:red", "new"]
    assert {**event["Tag"][1], "colour": ""} == {
        **{"name": "new", "colour": "", "exportable": True, "user_id": "0", "hide_tag": False, "numerical_value": None},
        **{"is_galaxy": False, "is_custom_galaxy": False, "local_only": False},
        **{"local": True, "relationship_type": None},
    }
    assert names(event["Attribute"][0], "_allTags") == ["tlp:red", "new"]
    assert names(event["_AttributeFlattened"][1], "_allTags") == ["tlp:red", "new", "old"]


@pytest.mark.parametrize(("locality", "left"), [("local", ["tlp:red"]), ("global", ["workflow:approved"]), ("any", [])])
def test_only_tags_of_the_locality_go(locality: str, left: list[str]) -> None:
    remove = {"action": "remove", "tags": ["tlp:red", "workflow:approved"], "locality": locality}
    assert names(after_reload(("tag_operation", remove))) == left


def test_tags_and_edits_of_attributes_show_both() -> None:
    event = after_reload(
        ("tag_operation", {"scope": "attribute", "tags": ["new"], "locality": "global"}, ON_MD5),
        ("attribute_ids_flag_operation", {"action": "add"}, ON_MD5),
    )
    plain, changed = event["_AttributeFlattened"]
    assert (changed["to_ids"], names(changed), plain["to_ids"]) == (True, ["old", "new"], False)
    assert event["Attribute"][1] is changed and "Tag" not in plain


@pytest.mark.parametrize(("freeze", "published"), [("freeze", True), ("modify", False)])
def test_another_distribution(freeze: str, published: bool) -> None:
    params = {"distribution": "4", "sharing_group_id": "2", "freeze": freeze}
    event = after_reload(("Module_event_distribution_operation", params))
    assert (event["distribution"], event["sharing_group_id"], event["published"]) == ("4", "2", published)


def test_what_misp_refused_does_not_show() -> None:
    world = World(model_returns={"Attribute.editAttribute": False})
    event = after_reload(("attribute_ids_flag_operation", {"action": "add"}, ON_MD5), ("push-zmq", {}), world=world)
    assert event["Attribute"][1]["to_ids"] is False


def test_a_row_given_is_changed_too() -> None:
    rows = {"events": {"7": {"Event": {"id": "7", "info": "From the database"}, "Attribute": []}}}
    event = after_reload(("tag_operation", {"tags": ["new"]}), world=World(rows=rows))
    assert event["info"] == "From the database" and names(event) == ["new"]


def test_changes_of_something_else_change_nothing() -> None:
    data = {"Event": {"id": "7", "_AttributeFlattened": []}}
    assert after(data, [("Event.attachTagsToEventAndTouch", ["8", {"tags": ["x"]}])], NEWEST, 0) is data
    assert after({"Log": {}}, [("Event.attachTagsToEventAndTouch", ["8", {}])], NEWEST, 0) == {"Log": {}}


def test_an_approval_of_before_does_not_count_again() -> None:
    approved = {"scope": "event", "condition": "in_or", "tags": ["workflow:approved"]}
    remove = {"scope": "event", "action": "remove", "locality": "local", "tags": ["workflow:approved"]}
    document = workflow(
        "W",
        "event-publish",
        {
            2: ("tag_operation", remove),
            3: ("reload-full-event", {}),
            4: ("tag-if", approved),
            5: ("stop-execution", {}),
        },
        [(1, 2), (2, 3), (3, 4), (4, 5, 2)],
    )
    assert run(load(document), copy.deepcopy(EVENT), Scripted([])).end == "blocked"
