"""The quick look at an event: what it gives up at, which branches it suspects, and what it takes for copies."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.delivery.guard.glance import NO_BRANCH, Glance, Rows
from misp_workflow.event import CHUNK

FIRST: dict[str, Any] = {"uuid": "a", "value": "1", "Tag": [{"name": "first"}]}
PLAIN: dict[str, Any] = {"uuid": "b", "value": "2", "refs": ["x", ["y", {"z": 1}]]}
INNER: dict[str, Any] = {"uuid": "c", "value": "3", "Tag": [{"name": "inner", "colour": "#000000"}]}
HOLDER: dict[str, Any] = {"uuid": "o", "name": "file", "Attribute": [INNER]}


def look(data: Any, stops: str = "", refused: str = "") -> Glance:
    return Glance(data, lambda name: name in stops.split(), lambda name: name in refused.split())


def event(**members: Any) -> dict[str, Any]:
    return {"Event": {"info": "x", "Tag": [{"name": "whole"}], "Attribute": [FIRST, PLAIN], **members}}


def with_copies(*copies: dict[str, Any]) -> dict[str, Any]:
    return event(Object=[HOLDER], _AttributeFlattened=[*map(dict, copies)])


def test_what_there_is() -> None:
    glance = look(with_copies(FIRST, PLAIN, INNER))
    assert glance.usual and not glance.foreign
    assert [(listing.member, listing.first) for listing in glance.listings] == [
        ("Attribute", 0),
        ("Object", 2),
        ("_AttributeFlattened", 3),
    ]
    assert glance.branches == 6
    assert glance.names == {"whole", "first", "inner", "file"}
    assert {"Event", "info", "uuid", "refs", "colour", "z"} <= glance.members
    assert [tag["name"] for tag in glance.tags if "colour" in tag] == ["inner"]
    assert sorted(branch for rows in glance.seen for branch in rows.branches) == [0, 1, 1, 2, 2]
    assert glance.texts == [(PLAIN["refs"], 1), (PLAIN["refs"][1], 1)]
    listed = look([FIRST, PLAIN])
    assert [(listing.member, listing.first) for listing in listed.listings] == [("", 0)]
    assert listed.branches == 2


@pytest.mark.parametrize(
    ("refused", "suspects"),
    [("first", {0}), ("inner", {2}), ("whole", {NO_BRANCH}), ("first inner", {0, 2}), ("x", set())],
)
def test_a_branch_with_a_tag_that_may_not_go_is_a_suspect(refused: str, suspects: set[int]) -> None:
    assert look(with_copies(FIRST, PLAIN, INNER), refused=refused).suspects == suspects


def test_what_is_listed_once_more_goes_with_its_original() -> None:
    glance = look(with_copies(FIRST, PLAIN, INNER))
    assert [glance.with_copies({branch}) for branch in range(3)] == [{0, 3}, {1, 4}, {2, 5}]
    assert glance.with_copies(()) == set()
    other = look(with_copies(FIRST, PLAIN, {**INNER, "value": "another"}), refused="inner first")
    assert other.suspects == {0, 2, 3, 5}, "what differs is looked at by itself"
    assert other.with_copies({0}) == {0}


def test_copies_are_told_chunk_by_chunk() -> None:
    rows = [{"uuid": str(number)} for number in range(2 * CHUNK + 2)]
    data = {"Event": {"Attribute": rows, "_AttributeFlattened": [*map(dict, rows[:-1]), {"uuid": "other"}]}}
    asked = {0, CHUNK, 2 * CHUNK}
    assert look(data).with_copies(asked) == asked | {len(rows), len(rows) + CHUNK}


def test_no_chunk_of_what_is_listed_once_more_is_passed_over() -> None:
    rows = [{"uuid": str(number)} for number in range(2 * CHUNK + 1)]
    for place in (0, CHUNK, 2 * CHUNK):
        copies = [*map(dict, rows)]
        copies[place]["Tag"] = [{"name": "refused"}]
        found = look({"Event": {"Attribute": rows, "_AttributeFlattened": copies}}, refused="refused")
        assert found.suspects == {len(rows) + place}


def test_rows_without_those_of_some_branches() -> None:
    rows = Rows([FIRST, PLAIN, INNER], [0, 1, 1], {"uuid"})
    assert rows.without({2}) is rows
    assert rows.without({1}) == Rows([FIRST], [0], {"uuid"})


RELATED = [{"Event": {"info": "other"}}]


@pytest.mark.parametrize(
    "data",
    [
        event(EventReport=[{"name": "stop"}]),
        event(Tag=[{"name": "stop"}]),
        event(Tag=[{"Tag": {"name": "x"}}]),
        event(Tag=[{"Tag": "x"}]),
        event(Tag=["x"]),
        event(Tag="x"),
        event(Tag={"0": {"name": "x"}}),
        event(Tag=[{"name": "x", "local": True}]),
        event(Tag=[{"name": "x", "local_only": "1"}]),
        event(Tag=[{"name": "x", "exportable": "0"}]),
        event(Object=[{"Attribute": [{"AttributeTag": [{"name": "x", "local": 1}]}]}]),
        event(GalaxyCluster=[{"distribution": "0"}]),
        event(GalaxyCluster=[{"distribution": "3"}, {"local": "1"}]),
        event(GalaxyCluster={"2": {"local": True}}),
        event(Galaxy=[{"local_only": True}]),
        event(Object=[{"name": ["x"]}]),
        {**event(), "RelatedEvent": RELATED},
        event(Thread={"RelatedEvent": RELATED}),
        {**event(), "Thread": {"RelatedEvent": RELATED}},
        event(Tag=[{"name": "x", "more": {"y": 1}}]),
        None,
    ],
)
def test_it_gives_up_at_what_only_the_careful_walk_knows(data: Any) -> None:
    assert not look(data, stops="stop").usual


@pytest.mark.parametrize(
    ("data", "foreign"),
    [
        (event(RelatedEvent=RELATED), True),
        (event(), False),
        (event(Tag=[], EventTag=[{"name": "x", "local": False, "exportable": True}]), False),
        (event(GalaxyCluster=[{"distribution": "3", "local": "0"}], Galaxy=[{"local_only": False}]), False),
        (event(Object=[{"inherited": True}]), False),
        ({"Log": {"model": "User"}}, False),
        ({"Event": [{"Attribute": [FIRST]}]}, False),
        ([], False),
    ],
)
def test_what_misp_usually_sends_is_looked_at(data: Any, foreign: bool) -> None:
    glance = look(data)
    assert (glance.usual, glance.foreign) == (True, foreign)


def test_objects_that_say_that_they_are_inherited_are_kept_in_mind() -> None:
    inherited = {"name": "x", "inherited": True}
    found = look(event(Object=[inherited], EventReport=[{"name": "y", "inherited": True}])).objects
    assert {row["name"] for row in found} == {"x", "y"}
    assert look(event()).objects == []
