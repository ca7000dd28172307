"""Whatever the event: no value above the clearance survives, and below it all arrives."""

from __future__ import annotations

import gc
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.guard import ClearanceError, clear
from misp_workflow.delivery.guard.nested import Survey
from misp_workflow.settings import TLP_LEVELS, Destination

levels = st.sampled_from(TLP_LEVELS)
spelling = st.sampled_from([str.lower, str.upper, str.title, lambda tag: tag.replace(":", " : ")])


@st.composite
def planted(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, int]]:
    """Return data with values planted at random depths under random tags, and each value's rank."""
    ranks: dict[str, int] = {}
    event_level = draw(levels)

    def item(depth: int, outer: int) -> dict[str, Any]:
        own = draw(st.none() | levels)
        rank = max(outer, TLP_LEVELS.index(own) if own else 0)
        value = f"planted-{len(ranks)}-value"
        ranks[value] = rank
        node: dict[str, Any] = {draw(st.sampled_from(["value", "comment", "content", "x"])): value}
        if draw(st.booleans()):
            node |= {"uuid": f"uuid-{len(ranks)}", "type": "text"}
        if own:
            tag = {"name": draw(spelling)(f"tlp:{own}")}
            node |= draw(st.sampled_from([{"Tag": [tag]}, {"AttributeTag": [{"Tag": tag}]}, {"_allTags": {"4": tag}}]))
        if depth:
            key = draw(st.sampled_from(["Attribute", "Object", "Sighting", "Galaxy", "EventReport", "deep"]))
            below = [item(depth - 1, rank) for _ in range(draw(st.integers(0, 2)))]
            node[key] = draw(st.sampled_from([below, {str(2 * n): row for n, row in enumerate(below)}]))
        return node

    rank = TLP_LEVELS.index(event_level)
    items = [item(draw(st.integers(0, 3)), rank) for _ in range(draw(st.integers(0, 4)))]
    event = {"info": "x", "Tag": [{"name": f"tlp:{event_level}"}], "Attribute": items, "_AttributeFlattened": items}
    return {"Event": event}, ranks


@given(planted(), levels)
def test_no_value_above_the_clearance_survives(made: tuple[dict[str, Any], dict[str, int]], level: str) -> None:
    data, ranks = made
    clearance = TLP_LEVELS.index(level)
    before = json.dumps(data)
    try:
        text = json.dumps(clear(data, data["Event"]["Attribute"], Destination(tlp=level)))
    except ClearanceError:
        assert TLP_LEVELS.index(data["Event"]["Tag"][0]["name"][4:]) > clearance
        return
    assert json.dumps(data) == before
    for value, rank in ranks.items():
        if rank > clearance:
            assert value not in text
    assert all(rank <= clearance for rank in ranks.values()) or "withheld" in text


@given(planted())
def test_at_red_everything_arrives(made: tuple[dict[str, Any], dict[str, int]]) -> None:
    data, _ = made
    cleared = clear(data, None, Destination(tlp="red"))
    assert cleared.data is data
    assert cleared.withheld == ""


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
names = st.sampled_from(["Tag", "_allTags", "name", "a", "b"])
nested_data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=12
)


@given(nested_data, st.booleans())
def test_a_survey_overlooks_no_object(data: Any, collected: bool) -> None:
    data = json.loads(json.dumps(data))  # the same empty list may not stand twice
    if collected:
        gc.collect()  # which decides anew which objects can hold others
    survey = Survey(data)
    found = {id(place[0]) for place in survey.places} | {id(tag) for tag in survey.tags}
    waiting, expected, members = [data], set(), set()
    for value in waiting:
        if isinstance(value, dict) and value:
            expected.add(id(value))
            members |= value.keys()
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    assert expected <= found
    assert survey.members == members
