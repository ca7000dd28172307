"""Many rows are converted, read and edited as each would be by itself: what is shared for speed shows nowhere."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import coreformat, wire
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.modules import inhand

ODD = st.sampled_from([None, False, True, 0, 1, 1.0, "", "0", "1", "x", [], {}, ["x"], {"0": "x"}, {"k": {}}, 2**70])
NAME = st.sampled_from(["a", "b", 1, True, None])
TAG = st.fixed_dictionaries(
    {"name": NAME},
    optional={"org_id": ODD, "local": st.sampled_from([True, 1, 1.0]), "more": st.just([{"k": 1}, {"k": 2}])},
)
SHARED = {"Tag": {"name": "shared", "org_id": "0"}}
"""One object that stands in many places, as a reader that knows few tags would have it."""
LINKS = st.lists(st.fixed_dictionaries({"Tag": TAG}) | st.just(SHARED) | ODD, max_size=3) | ODD
ROW = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "2", "3", 4])},
    optional={
        "AttributeTag": LINKS,
        "Tag": st.lists(TAG | ODD, max_size=2) | ODD,
        "SharingGroup": ODD,
        "value1": ODD,
        "value2": ODD,
        "first": ODD,
    },
)
SHARED_ROW = {"id": "1", "value1": "", "AttributeTag": [SHARED, SHARED]}
ROWS = st.lists(ROW | st.just(SHARED_ROW) | ODD, max_size=6)
EVENT_TAGS = st.sampled_from([None, [], [SHARED], [{"Tag": {"name": "e"}}, SHARED]])
SIGHTINGS = st.sampled_from([None, [], [{"attribute_id": "1"}], [{"attribute_id": 4}, {"attribute_id": "1"}]])


def _outcome(work: Callable[[], Any]) -> str:
    try:
        return repr(work())
    except PhpCrash as crash:
        return f"{crash.kind}: {crash.message}"


def _event(rows: list[Any], tags: Any, sightings: Any, inside: bool) -> dict[str, Any]:
    held = {"Object": [{"id": "9", "Attribute": [row]} for row in rows]} if inside else {"Attribute": rows}
    return {"Event": {"id": "7"}, "Orgc": {"id": "1"}, "EventTag": tags, "Sighting": sightings, **held}


@settings(max_examples=300)
@given(rows=ROWS, tags=EVENT_TAGS, sightings=SIGHTINGS, inside=st.booleans())
@example(rows=[SHARED_ROW, SHARED_ROW], tags=None, sightings=None, inside=False)
@example(rows=[{"id": "1", "AttributeTag": [{"Tag": {"name": name}}] * 2} for name in (1, True, 1.0)], tags=None,
         sightings=None, inside=False)  # fmt: skip
def test_rows_are_converted_together_as_each_alone(rows: list[Any], tags: Any, sightings: Any, inside: bool) -> None:
    before = repr(rows)

    def flat(some: list[Any]) -> Any:
        return coreformat.convert(_event(some, tags, sightings, inside), "event")["Event"]["_AttributeFlattened"]

    # Nothing is shared with rows that are not there, nor with a copy.
    alone = [_outcome(lambda row=row: flat([copy.deepcopy(row)])) for row in rows]
    crash = next((text for text in alone if not text.startswith("[")), None)
    assert _outcome(lambda: flat(rows)) == (crash or f"[{', '.join(text[1:-1] for text in alone if text != '[]')}]")
    assert repr(rows) == before


NEW = [{"name": "new", "relationship_type": "", "local": True}]


@settings(max_examples=200)
@given(
    rows=st.lists(ROW | st.just(SHARED_ROW), min_size=1, max_size=6),
    tags=EVENT_TAGS,
    edited=st.sampled_from(["1", "2", "4"]),
    change=st.sampled_from([inhand.added(NEW), inhand.removed(["shared", "a"])]),
)
def test_an_edited_row_changes_no_other_view_of_the_data(
    rows: list[Any], tags: Any, edited: str, change: inhand.TagChange
) -> None:
    try:
        data = coreformat.convert(_event(rows, tags, None, inside=False), "event")
    except PhpCrash:
        return
    before, given = repr(data), repr(rows)
    others = [repr(row) for row in data["Event"]["_AttributeFlattened"] if php.to_string(row["id"]) != edited]
    done = inhand.change_attribute_tags(data, [(edited, change)])
    done = inhand.write_back(done, [{"id": edited, "value": "another"}], profile("2.5.1"))
    assert repr(data) == before and repr(rows) == given
    left = done["Event"]["_AttributeFlattened"]
    assert [repr(row) for row in left if php.to_string(row["id"]) != edited] == others
    assert all(row["value"] == "another" for row in left if php.to_string(row["id"]) == edited)


ANY = st.recursive(
    ODD | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["Event", "Attribute", "0", "1", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=ANY.filter(php.is_array))
@example(value={"Event": {"Attribute": [{}, {}, {"0": 1}]}})
@example(value=[[1, 2, 1.0], "a", "b"])
@example(value={"Event": {"Attribute": {"0": 1}}})
@example(value=["a", "b", "é"])
@example(value=["a", "b", "\u2028"])
def test_data_is_read_in_parts_as_it_is_at_once(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_BLOCK", 2)
    before = repr(value)
    read, plain = wire.read(value)
    assert repr(read) == repr(php.canonical(value)) and repr(value) == before
    if plain:
        assert orjson.dumps(read) == wire.encode(read)
