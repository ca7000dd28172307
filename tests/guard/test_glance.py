"""The quick look at an event and the careful walk through it let the same leave: over drawn, captured, hostile events."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest
from both_ways import agree, said
from drawn_events import Drawn
from guard_events import SHAPES, event_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from misp_workflow.delivery.guard.clear import _quickly, carefully
from misp_workflow.delivery.guard.glance import Glance
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.effects import Post, masked
from misp_workflow.event import View, tag_names
from misp_workflow.settings import Destination

TAGS = (
    "tlp:green",
    "TLP: Red",
    "t\u200blp:r\u00adED",
    "tlp:ex:chr",
    "PAP:RED",
    "PAP:GREEN",
    "secret:x",
    "misp:tool=1",
    "",
)
MEMBERS = (
    *("Event", "Attribute", "Object", "RelatedEvent", "RelatedAttribute", "extensionEvents", "Galaxy", "GalaxyCluster"),
    *("Tag", "_allTags", "EventTag", "AttributeTag", "Tags", "Org", "Orgc", "Sighting", "EventReport", "Feed"),
    *("name", "local", "local_only", "exportable", "inherited", "info", "value", "comment", "uuid", "id", "type"),
    *("distribution", "model", "action", "password", "pass\u0077ord", "auth_key", 'a"b', "", "1", "naïve \U0001f600"),
)
TAG = st.fixed_dictionaries(
    {"name": st.sampled_from(TAGS)},
    optional={
        "local": st.sampled_from([False, True, "0", "1", 1, None, [], "true"]),
        "exportable": st.sampled_from([True, False, "1", "0", None]),
        "local_only": st.sampled_from([False, True]),
        "inherited": st.sampled_from([True, False, 1, "1", None]),
    },
)
ROW = st.fixed_dictionaries(
    {"uuid": st.sampled_from(["u1", "u2", "u3"]), "value": st.sampled_from(["evil one", "evil two", "x"])},
    optional={
        "Tag": st.lists(TAG, max_size=3),
        "_allTags": st.lists(TAG, max_size=3),
        "comment": st.sampled_from(["about evil one", "", "x"]),
        "type": st.just("text"),
        "distribution": st.sampled_from(["0", "3", "5"]),
        "GalaxyCluster": st.lists(st.fixed_dictionaries({"local": st.booleans()}), max_size=2),
    },
)
LEAF = st.none() | st.booleans() | st.integers(-1, 2**70) | st.sampled_from([*TAGS, "evil one", "5"])
ANYTHING = st.recursive(
    LEAF | ROW | TAG,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)
RELATED = st.lists(
    st.fixed_dictionaries(
        {"Event": st.fixed_dictionaries({"info": st.just("other")}, optional={"Tag": st.lists(TAG, max_size=1)})}
    ),
    max_size=2,
)
EVENT = st.fixed_dictionaries(
    {
        "Event": st.fixed_dictionaries(
            {"info": st.just("x"), "Attribute": st.lists(ROW, max_size=3), "Tag": st.lists(TAG, max_size=2)},
            optional={"RelatedEvent": RELATED, "Object": st.lists(ROW, max_size=2), "More": ANYTHING},
        )
    },
    optional={"More": ANYTHING, "RelatedEvent": RELATED, "Tag": ANYTHING},
)
DATA = EVENT | st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=4) | ANYTHING


@settings(max_examples=400)
@given(data=DATA, selected=st.none() | st.lists(ANYTHING, max_size=3))
@example(data={"Event": {"Tag": "tlp:red"}}, selected=None)
@example(data={"Event": {"Attribute": [{"value": "x", "Tag": {"0": {"name": "tlp:red"}}}]}}, selected=None)
@example(data={"Event": {"RelatedEvent": [{"Event": {"info": "other", "x": {"info": "inner"}}}]}}, selected=None)
@example(data={"Event": {}, "Thread": {"RelatedEvent": [{"Event": {"info": "other"}}]}}, selected=None)
@example(data={"Event": {"Object": [[[{"Tag": [{"name": "tlp:red"}], "uuid": "u"}]]]}}, selected=None)
def test_both_ways_let_the_same_leave(data: Any, selected: Any) -> None:
    agree(data, selected)


@settings(max_examples=800)  # of a seed each: to draw every choice by itself took four times as long for half as many
@given(random=st.integers(0, 2**64).map(Random))
def test_both_ways_let_the_same_leave_of_what_is_named_and_quoted_elsewhere(random: Random) -> None:
    drawn = Drawn(random)
    data = drawn.data()
    agree(data, drawn.selection(data))


def test_both_ways_agree_where_all_that_is_around_the_branches_goes() -> None:
    inside = {"info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [{"uuid": "u", "value": "evil one"}]}
    data = {"Event": inside, "Tag": [{"name": "tlp:red"}]}
    selected = [{"uuid": "v", "comment": "about evil one"}, {"uuid": "w", "comment": "about nothing"}]
    agree(data, selected)
    assert carefully(data, selected, Destination()).selected[0]["comment"] == "about [withheld]"


def test_most_of_what_is_drawn_takes_the_quick_way() -> None:
    """Or the test above would compare the careful way with itself."""
    quick = parted = 0
    for number in range(150):
        data = Drawn(Random(number)).data()
        found = said(_quickly, data, None, Rule(Destination(tlp="amber")), 1)
        quick += type(found) is tuple
        parted += type(found) is tuple and bool(found[2])
    assert quick > 60
    assert parted > 20


@pytest.mark.parametrize("shape", SHAPES)
def test_both_ways_agree_on_every_shape_of_tags(shape: str) -> None:
    for tag in TAGS:
        agree(event_of([tag], {"a": ["tlp:green"], "object:b": [tag]}, shape))
        agree(event_of(["tlp:green"], {"a": [], "object:b": [tag]}, shape), [{"value": "a", "Tag": [{"name": tag}]}])


def test_both_ways_agree_on_what_a_real_misp_sent(captures: dict[str, Any]) -> None:
    for body in captures.values():
        agree(body["data"], body.get("filteredItems"))


def test_the_quick_way_is_taken_for_what_a_real_misp_sent(captures: dict[str, Any]) -> None:
    """Or the tests above would compare the careful way with itself."""
    data = json.loads(json.dumps(captures["event-publish"]["data"]).replace("tlp:red", "tlp:green"))
    assert Glance(data, lambda name: False, lambda name: False).usual
    assert not Glance(data, lambda name: name == "tlp:amber", lambda name: False).usual
    assert _quickly(data, None, Rule(Destination())) is not None
    assert _quickly(data, None, Rule(Destination())).data != data, "titles of other events are withheld"


@settings(max_examples=200)
@given(data=DATA)
def test_the_names_of_all_tags_are_those_of_each_attribute(data: Any) -> None:
    view = View(data)
    wanted = [*view.tags, *(name for row in view.attributes for name in tag_names(row))]
    assert view.all_tags == list(dict.fromkeys(wanted))


@settings(max_examples=100)
@given(data=st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=4), most=st.integers(1, 200))
def test_the_beginning_of_what_is_shown_is_that_of_all_of_it(data: Any, most: int) -> None:
    effect = Post(url="https://a.example/", json=data, secrets=("evil", "tlp"))
    shown, beginning = (json.dumps(masked(effect, wanted)["json"]) for wanted in (math.inf, most))
    assert beginning.rstrip("]}")[:most] == shown[: len(beginning.rstrip("]}")[:most])]
    assert "evil" not in beginning
