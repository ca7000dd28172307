"""The core format, beyond the recorded cases."""

from __future__ import annotations

import copy
import gc
from typing import Any

import pytest

from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data.coreformat import convert


def _tag(name: str, **more: Any) -> dict[str, Any]:
    return {"Tag": {"id": "1", "name": name, "colour": "#fff", "org_id": "0", **more}}


def _attribute(number: int, *tags: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "event_id": "7",
        "object_id": "0",
        "value1": "v",
        "value2": "",
        "value": f"v{number}",
        "AttributeTag": [_tag(tag) for tag in tags],
    }


def _event(**more: Any) -> dict[str, Any]:
    row = {
        "Event": {"id": "7", "info": "i", "user_id": "1"},
        "Orgc": {"id": "1"},
        "Attribute": [_attribute(1, "a", "b"), _attribute(2)],
        "Object": [{"id": "3", "Attribute": [_attribute(4, "a")]}, {"id": "5"}],
        "EventTag": [_tag("tlp:red")],
    }
    return {**row, **more}


def _names(tags: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(tag["name"], tag["inherited"]) for tag in tags]


def test_everything_moves_into_the_event() -> None:
    event = convert(_event())["Event"]
    assert [attribute["id"] for attribute in event["_AttributeFlattened"]] == ["1", "2", "4"]
    assert _names(event["Attribute"][0]["_allTags"]) == [("tlp:red", True), ("a", False), ("b", False)]
    assert _names(event["Attribute"][1]["_allTags"]) == [("tlp:red", True)]
    assert "Tag" not in event["Attribute"][1]
    assert [found["id"] for found in event["Object"]] == ["3"]
    assert "user_id" not in event
    assert not any("value1" in attribute or "AttributeTag" in attribute for attribute in event["_AttributeFlattened"])
    assert not any("org_id" in tag for tag in event["Tag"] + event["Attribute"][0]["Tag"])


def test_the_flattened_attributes_are_the_attributes() -> None:
    event = convert(_event())["Event"]
    assert event["_AttributeFlattened"][0] is event["Attribute"][0]
    assert event["_AttributeFlattened"][2] is event["Object"][0]["Attribute"][0]


def test_the_rows_stay_as_they_were() -> None:
    row = _event()
    before = copy.deepcopy(row)
    convert(row)
    assert row == before


def test_tags_that_only_look_alike_stay_apart() -> None:
    row = _event(Attribute=[_attribute(1), _attribute(2), _attribute(3)])
    for attribute, local in zip(row["Attribute"], (True, 1, False), strict=True):
        attribute["AttributeTag"] = [_tag("same", local=local)]
    own = [attribute["Tag"][0]["local"] for attribute in convert(row)["Event"]["Attribute"]]
    assert [type(local) for local in own] == [bool, int, bool]


def test_attributes_with_the_same_tags_share_their_lists() -> None:
    one, two = convert(_event(Attribute=[_attribute(1, "a", "b"), _attribute(2, "a", "b")]))["Event"]["Attribute"]
    assert one["Tag"] is two["Tag"] and one["_allTags"] is two["_allTags"]
    assert [tag["name"] for tag in one["Tag"]] == ["a", "b"]


def test_attributes_that_were_a_list_with_holes_keep_their_keys() -> None:
    event = convert(_event(Attribute={"3": _attribute(1), "9": _attribute(2)}))["Event"]
    assert list(event["Attribute"]) == ["3", "9"]
    assert len(event["_AttributeFlattened"]) == 3


def test_sightings_go_to_their_attribute() -> None:
    event = convert(_event(Sighting=[{"attribute_id": "2", "id": "1"}, {"attribute_id": 2, "id": "2"}]))["Event"]
    assert [sighting["id"] for sighting in event["Attribute"][1]["Sighting"]] == ["1", "2"]
    assert "Sighting" not in event["Attribute"][0]
    assert "Sighting" not in event


@pytest.mark.parametrize("event", ["x", "", 5, True, 1.5])
def test_an_event_that_is_no_array_kills_php(event: Any) -> None:
    with pytest.raises(PhpCrash):
        convert({"Event": event})


@pytest.mark.parametrize("attribute", ["x", 5, True, None, False])
def test_an_attribute_that_is_no_array_kills_php(attribute: Any) -> None:
    with pytest.raises(PhpCrash):
        convert(_event(Attribute=[attribute]))


@pytest.mark.parametrize("tags", ["x", 1, True])
def test_event_tags_that_are_no_array_kill_php_where_links_come_to_them(tags: Any) -> None:
    with pytest.raises(PhpCrash):
        convert({"Event": {"Tag": tags}, "EventTag": [{}]})


def test_an_object_whose_attributes_are_empty_to_php_is_left_out() -> None:
    row = {"Event": {"id": "7", "Object": [{"id": "1", "Attribute": "0"}]}}
    assert convert(row) == {"Event": {"id": "7", "Object": [], "_AttributeFlattened": []}}


def test_an_empty_attribute_is_none() -> None:
    assert convert({"Event": {"id": "7"}, "Attribute": ""}) == {"Event": {"_AttributeFlattened": []}}


@pytest.mark.parametrize("data", [None, "x", 5])
def test_data_that_is_no_array(data: Any) -> None:
    with pytest.raises(PhpCrash):
        convert(data)


@pytest.mark.parametrize("scope", ["attribute", "object", "nonsense", ["event"], 5])
def test_what_belongs_to_no_event_is_the_empty_event(scope: Any) -> None:
    assert convert({"_module": "m"}, scope) == {"Event": {"_AttributeFlattened": []}, "_module": "m"}


def test_an_attribute_row_brings_its_event_and_object() -> None:
    world = {
        "events": {"7": {"Event": {"id": "7"}, "EventTag": [_tag("e")]}},
        "objects": {"3": {"Object": {"id": "3"}}},
    }
    row = {"Attribute": _attribute(1), "AttributeTag": [_tag("own")]}
    event = convert(row, world=world)["Event"]
    assert _names(event["Attribute"][0]["_allTags"]) == [("e", True), ("own", False)]
    row["Attribute"]["object_id"] = "3"
    event = convert(row, world=world)["Event"]
    assert event["Object"][0]["id"] == "3"
    assert event["Object"][0]["Attribute"][0] is event["_AttributeFlattened"][0]


def test_the_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    convert(_event())
    with pytest.raises(PhpCrash):
        convert(_event(Attribute=["x"]))
    assert gc.isenabled()
    gc.disable()
    try:
        convert(_event())
        assert not gc.isenabled()
    finally:
        gc.enable()
