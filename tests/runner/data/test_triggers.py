"""The triggers: what MISP lists, and what each makes of its data."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.triggers import TRIGGERS, normalize, of_version
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import run

EVENT = {"Event": {"id": "7", "info": "i"}, "EventTag": [{"Tag": {"name": "tlp:red"}}]}
ATTRIBUTE = {"Attribute": {"id": "1", "event_id": "7", "object_id": "0", "value": "v"}}
WORLD: dict[str, Any] = {
    "events": {"7": EVENT},
    "attributes": {
        "1": {**ATTRIBUTE, "AttributeTag": [{"Tag": {"name": "own"}}]},
        "2": {
            "Attribute": {"id": "2", "event_id": "7", "object_id": "3", "value": "w"},
            "Object": {"id": "3", "name": "file"},
        },
    },
    "threads": {"5": {"Thread": {"id": "5", "event_id": "7"}}, "6": {"Thread": {"id": "6", "event_id": "0"}}},
}


def test_the_triggers_of_each_version() -> None:
    assert len(of_version(profile("2.5.1"))) == 17
    newest = set(of_version(profile("2.5.50")))
    assert newest == {*TRIGGERS} - {"post-after-save"}
    assert {*TRIGGERS} - set(of_version(profile("2.5.1"))) == {
        "adhoc-trigger",
        "analyst-data-after-save",
        "event-before-delete",
    }
    assert [trigger.id for trigger in TRIGGERS.values()] == sorted(TRIGGERS)
    blocking = {trigger.id for trigger in TRIGGERS.values() if trigger.blocking}
    assert blocking == {
        "adhoc-trigger",
        "enrichment-before-query",
        "event-before-delete",
        "event-before-save",
        "event-publish",
        "shadow-attribute-before-save",
        "user-before-save",
    }
    for trigger in TRIGGERS.values():
        assert bool(trigger.overhead_message) == (trigger.overhead > 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        TRIGGERS["event-publish"].blocking = False  # type: ignore[misc]


def test_names_are_as_the_editor_shows_them() -> None:
    assert TRIGGERS["event-after-save-new-from-pull"].name == "Event After Save New From Pull"


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_each_takes_any_array_and_nothing_else(trigger: str) -> None:
    assert isinstance(normalize(trigger, {"x": 1}, WORLD), (dict, bool))
    assert isinstance(normalize(trigger, [], WORLD), (dict, list, bool))
    with pytest.raises(PhpCrash):
        normalize(trigger, "text", WORLD)


@pytest.mark.parametrize(
    "trigger",
    ["post-after-save", "event-report-after-save", "sighting-after-save", "shadow-attribute-before-save",
     "shadow-attribute-after-save", "tag-attached-after-save"],
)  # fmt: skip
def test_some_refuse_data_of_another_kind(trigger: str) -> None:
    assert normalize(trigger, {"Event": {"id": "7"}}, WORLD) is False


def test_a_sighting_gives_its_attribute_inside_the_event() -> None:
    event = normalize("sighting-after-save", {"Sighting": {"Event": {"id": "7"}, "Attribute": {"id": "1"}}}, WORLD)[
        "Event"
    ]
    assert [tag["name"] for tag in event["Attribute"][0]["_allTags"]] == ["tlp:red", "own"]
    event = normalize("sighting-after-save", {"Sighting": {"Event": {"id": "7"}, "Attribute": {"id": "2"}}}, WORLD)[
        "Event"
    ]
    assert event["Object"][0]["Attribute"][0]["value"] == "w"
    assert event["Object"][0]["name"] == "file"


def test_a_tag_on_an_event_gives_the_event() -> None:
    event = normalize("tag-attached-after-save", {"Tag": {"event_id": "7", "name": "x"}}, WORLD)["Event"]
    assert event["id"] == "7"
    assert event["_AttributeFlattened"] == []


def test_a_proposal_stands_in_the_event_or_in_its_attribute() -> None:
    new = normalize("shadow-attribute-after-save", {"ShadowAttribute": {"event_id": "7", "old_id": "0"}}, WORLD)
    assert len(new["Event"]["ShadowAttribute"]) == 1
    edit = normalize("shadow-attribute-after-save", {"ShadowAttribute": {"event_id": "7", "old_id": "1"}}, WORLD)
    assert len(edit["Event"]["Attribute"][0]["ShadowAttribute"]) == 1
    assert "ShadowAttribute" not in edit["Event"]


def test_a_post_brings_its_thread_and_maybe_an_event() -> None:
    assert set(normalize("post-after-save", {"Post": {"thread_id": "5"}}, WORLD)) == {"Post", "Thread", "Event"}
    assert set(normalize("post-after-save", {"Post": {"thread_id": "6"}}, WORLD)) == {"Post", "Thread"}
    assert set(normalize("post-after-save", {"Post": {"thread_id": "9"}}, WORLD)) == {"Post"}


def test_logs_and_users_pass_as_they_are() -> None:
    user = {"email": "x@example.test", "password": "p"}
    assert normalize("user-before-save", user) is user
    assert normalize("log-after-save", {"Log": {}}) == {"Log": {}}


@pytest.mark.parametrize(
    ("chosen", "runs"),
    [
        ({}, False),
        ({"scope": "any"}, False),
        ({"scope": "any", "locality": "any"}, True),
        ({"scope": "attribute", "locality": "global"}, True),
        ({"scope": "attribute", "locality": "local"}, False),
        ({"scope": "event", "locality": "any"}, False),
        ({"scope": None, "locality": "any"}, False),
        ({"scope": "any", "locality": None}, False),
        ({"scope": "", "locality": ""}, True),
        ({"scope": "Event", "locality": "x"}, True),
        ({"scope": 0, "locality": 0}, True),
        ({"scope": ["any"], "locality": "any"}, True),
        ({"scope": True, "locality": "any"}, False),
        ({"scope": "any", "locality": True}, False),
        ({"scope": "any", "locality": "any", "tag": "tlp:white"}, True),
        ({"scope": "any", "locality": "any", "tag": "TLP:WHITE"}, False),
        ({"scope": "any", "locality": "any", "tag": " tlp:white "}, False),
        ({"scope": "any", "locality": "any", "tag": "0"}, True),
        ({"scope": "any", "locality": "any", "tag": []}, True),
        ({"scope": "any", "locality": "any", "tag": 1}, False),
        ({"scope": "any", "locality": "any", "tag": ["tlp:white"]}, False),
    ],
)
def test_which_tags_start_a_workflow(chosen: dict[str, Any], runs: bool) -> None:
    """As a running MISP 2.5.1 answered for a tag of an attribute: it refuses what is chosen otherwise, and no more."""
    row = workflow("W", "tag-attached-after-save", {2: ("stop-execution", {"message": ""})}, [(1, 2)])
    row["Workflow"]["data"]["1"]["data"]["indexed_params"] = chosen
    handed = {"Tag": {"id": "10", "name": "tlp:white", "attribute_id": "1", "event_id": "7"}}
    done = run(load(row), handed, Scripted([]), world=World(misp=profile("2.5.1"), rows=WORLD))
    assert (done.end != "not started") is runs


def test_an_unknown_trigger_is_named() -> None:
    with pytest.raises(InputError, match="event-published"):
        normalize("event-published", {})


def test_analyst_data_comes_inside_the_event() -> None:
    note = {"id": "1", "object_type": "Event", "object_uuid": "u", "note": "n"}
    world = {"events": {"7": {"Event": {"id": "7", "uuid": "u"}}}}
    event = normalize("analyst-data-after-save", {"Note": note}, world)["Event"]
    assert event["id"] == "7" and event["Note"] == [note]
    assert normalize("analyst-data-after-save", {"Note": {**note, "object_type": "Object"}}, world) is False
    given = normalize("analyst-data-after-save", {"Opinion": note, "Event": {"id": "8"}}, {})["Event"]
    assert given["id"] == "8" and given["Opinion"] == [note]
