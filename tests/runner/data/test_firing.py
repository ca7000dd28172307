"""What a trigger hands over of an event, held against what a running MISP 2.5.1 handed over of the same one.

fired.json: {"event": what /events/view answered in the end, "data": {trigger: what a Python module was sent}}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.errors import InputError
from misp_workflow.runner.data.firing import fire
from misp_workflow.runner.data.triggers import normalize

RECORDED = json.loads((Path(__file__).parent / "fired.json").read_text())
MOVED_ON = {"timestamp", "proposal_email_lock"}
"""What of the event changed between the recorded calls."""
AS_TYPED = {"ShadowAttribute": "value", "EventReport": "content"}
"""What is handed over as somebody filled it in, and is shown otherwise afterwards; with what tells it."""


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        shown = {key: [row[AS_TYPED[key]] for row in item] if key in AS_TYPED else comparable(item)
                 for key, item in value.items()}  # fmt: skip
        return {key: item for key, item in shown.items() if key not in MOVED_ON}
    return [comparable(item) for item in value] if isinstance(value, list) else value


def fired(trigger: str, event: dict[str, Any]) -> Any:
    found = fire(trigger, {"Event": event})
    assert found is not None
    return normalize(trigger, found.data, found.rows)


@pytest.mark.parametrize("trigger", RECORDED["data"])
def test_the_event_around_it_is_as_misp_looks_it_up(trigger: str) -> None:
    assert comparable(fired(trigger, RECORDED["event"]["Event"])) == comparable(RECORDED["data"][trigger])


def test_whether_a_tag_of_the_event_is_local_is_not_said() -> None:
    """Not by MISP either: a local tag looks like any other there."""
    tags = RECORDED["data"]["sighting-after-save"]["Event"]["Tag"]
    assert [tag["name"] for tag in tags] == ["tlp:green", "known"] and not any("local" in tag for tag in tags)
    assert [tag["local"] for tag in RECORDED["event"]["Event"]["Tag"]] == [False, True]


ATTRIBUTE = {"id": "3", "type": "ip-dst", "value": "198.51.100.4"}


@pytest.mark.parametrize(
    ("trigger", "event", "found"),
    [
        ("sighting-after-save", {"Object": [{"id": "2", "name": "file", "Attribute": [ATTRIBUTE]}]}, "198.51.100.4"),
        ("sighting-after-save", {"Attribute": [ATTRIBUTE], "Object": [{"Attribute": [{}]}]}, "198.51.100.4"),
        (
            "tag-attached-after-save",
            {"Attribute": [{"value": "bare"}, {**ATTRIBUTE, "Tag": [{"name": "x"}]}]},
            "x on ip",
        ),
        ("shadow-attribute-after-save", {"ShadowAttribute": [{"type": "domain", "value": "d.example"}]}, "d.example"),
        ("event-report-after-save", {"EventReport": [{"name": "weekly"}]}, "weekly"),
        ("analyst-data-after-save", {"uuid": "e", "Opinion": [{"uuid": "o", "opinion": "70"}]}, "Opinion o"),
    ],
)
def test_the_first_in_the_event(trigger: str, event: dict[str, Any], found: str) -> None:
    made = fire(trigger, {"Event": event})
    assert made is not None and found in made.of
    assert fired(trigger, event)["Event"]["id"] == "1"  # an event without a number gets one


def test_a_note_brings_the_event_that_it_is_on_bare_and_that_of_an_attribute_whole() -> None:
    attributes = [{"id": "4", "uuid": "a", "type": "domain", "value": "d.example", "Note": [{"note": "on it"}]}]
    of_attribute = fired("analyst-data-after-save", {"uuid": "e", "Attribute": attributes})["Event"]
    assert of_attribute["Note"][0]["object_type"] == "Attribute" and len(of_attribute["Attribute"]) == 1
    of_event = fired("analyst-data-after-save", {"uuid": "e", "Note": [{"note": "x"}], "Attribute": attributes})[
        "Event"
    ]
    assert of_event["Note"] == [{"object_type": "Event", "object_uuid": "e", "note": "x"}]
    assert "Attribute" not in of_event


def test_an_attribute_of_an_object_stays_in_it() -> None:
    event = fired("sighting-after-save", {"Object": [{"id": "2", "name": "file", "Attribute": [ATTRIBUTE]}]})["Event"]
    assert event["Object"][0]["name"] == "file" and event["Object"][0]["Attribute"][0]["value"] == "198.51.100.4"
    assert "Attribute" not in event


@pytest.mark.parametrize(
    ("trigger", "what"),
    [
        ("sighting-after-save", "a sighting of an attribute"),
        ("tag-attached-after-save", "a tag of an attribute"),
        ("shadow-attribute-before-save", "a proposal"),
        ("event-report-after-save", "a report"),
        ("analyst-data-after-save", "a note, an opinion or a relationship"),
    ],
)
def test_an_event_with_nothing_of_the_kind_is_refused(trigger: str, what: str) -> None:
    with pytest.raises(InputError, match=f"{trigger} hands over {what}, and this event has none"):
        fire(trigger, {"Event": {"id": "1", "Tag": [{"name": "of the event"}], "Attribute": []}})


@pytest.mark.parametrize(
    ("trigger", "data"),
    [
        ("sighting-after-save", {"Sighting": {"id": "1"}, "Event": {}}),
        ("event-publish", {"Event": {}}),
        ("sighting-after-save", {"Event": "text"}),
        ("sighting-after-save", []),
    ],
)
def test_what_a_trigger_hands_over_itself_is_left_alone(trigger: str, data: Any) -> None:
    assert fire(trigger, data) is None
