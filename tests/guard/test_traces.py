"""Of a large event only some branches are walked through: where to look, what stands for the others, and the way back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from misp_workflow.delivery.guard.branches import Thinned
from misp_workflow.delivery.guard.glance import Glance
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.delivery.guard.nested import Edits, Survey
from misp_workflow.delivery.guard.parts import Parts
from misp_workflow.delivery.guard.traces import Traces
from misp_workflow.settings import Destination

RULE = Rule(Destination(unmarked="clear"))
RED = {"Tag": [{"name": "tlp:red"}]}


def glance_at(data: Any) -> Glance:
    glance = Glance(data, lambda name: False, RULE.reason_of_tag)
    assert glance.usual
    return glance


def traces_of(glance: Glance, data: Any) -> Traces:
    parts = Parts(RULE)
    parts.find(Edits(Survey(Thinned(data, glance, glance.suspects).data)), {"tlp:red"})
    return Traces(parts)


def traced(out: dict[str, Any], others: list[dict[str, Any]], **more: Any) -> set[int]:
    """The places of the rows that may hold a trace of the first one, which is left out."""
    data = {"Event": {"info": "x", "Attribute": [{**out, **RED}, *others], **more}}
    glance = glance_at(data)
    traces = traces_of(glance, data)
    assert traces.known
    return traces.branches(glance)


OUT = {"uuid": "AA-1", "id": "5", "type": "domain", "value": "common.rareword"}


def test_a_trace_is_a_name_a_value_or_a_text_that_may_quote_it() -> None:
    expected: list[tuple[bool, dict[str, Any]]] = [
        (True, {"uuid": "aa-1"}),
        (True, {"uuid": "AA-1"}),
        (False, {"uuid": "bb-2"}),
        (True, {"id": 5}),
        (True, {"id": "5"}),
        (True, {"id": 5.0}),
        (False, {"id": "6"}),
        (True, {"attribute_id": "5"}),
        (False, {"object_id": "5"}),
        (True, {"referenced_uuid": "aa-1"}),
        (True, {"value": "common.rareword"}),
        (True, {"value1": "a|common.rareword"}),
        (False, {"value": "common.other"}),
        (False, {"value": "a|b"}),
        (True, {"comment": "they saw COMMON[.]rareword"}),
        (True, {"info": "see common.rareword", "comment": "x"}),
        (False, {"comment": "a common word"}),
        (False, {"comment": 5}),
        (True, {"ShadowAttribute": [{"old_id": 5}]}),
        (True, {"meta": {"refs": ["x", 7, "see common.rareword"]}}),
        (False, {"meta": {"refs": ["x", 7, "a common word"]}}),
        (False, {"mine": "rareword"}),  # in none of the members that are searched
    ]
    found = traced(OUT, [row for _, row in expected])
    assert found == {place for place, (holds, _) in enumerate(expected, 1) if holds}


def test_a_value_that_is_too_short_for_texts_is_met_as_a_value() -> None:
    rows = [{"value": "ab"}, {"value1": "x|ab"}, {"value": "abc"}, {"comment": "ab"}]
    assert traced({"uuid": "u", "value": "ab"}, rows) == {1, 2}


def test_of_a_value_the_word_is_looked_for_that_the_fewest_have() -> None:
    out = {"uuid": "u", "value": "commonest.rare"}
    others = [{"comment": "the commonest word"}, {"comment": "a rare word"}]
    objects = [{"uuid": "o", "comment": "the commonest word again"}]
    assert traced(out, others, Object=objects) == {2}


def test_what_has_no_name_is_no_matter_for_a_quick_look() -> None:
    data = {"Event": {"info": "x", "Attribute": [{"value": "evil.example", **RED}]}}
    assert not traces_of(glance_at(data), data).known


ROWS = [{"value": str(number)} for number in range(6)]
DATA = {"Event": {"info": "x", "Attribute": ROWS, "Object": [{"name": "o"}, {"name": "p"}]}}


@pytest.mark.parametrize(
    ("branches", "there"),
    [({1, 3}, [None, 1, None, 3, None]), ({0, 1, 5}, [0, 1, None, 5]), (set(range(6)), [0, 1, 2, 3, 4, 5])],
)
def test_one_thing_stands_for_all_rows_between_two_in_question(branches: set[int], there: list[int | None]) -> None:
    rows = Thinned(DATA, glance_at(DATA), branches).data["Event"]["Attribute"]
    assert len(rows) == len(there)
    assert all(row is ROWS[number] for row, number in zip(rows, there, strict=True) if number is not None)


def test_the_rows_that_were_not_in_question_come_back_in_their_places() -> None:
    thinned = Thinned(DATA, glance_at(DATA), {1, 3})
    assert thinned.restored(thinned.data) is DATA
    event = thinned.data["Event"]
    new = [row for row in event["Attribute"] if row is not ROWS[1]]
    kept = {"Event": {**event, "Attribute": [{"new": 1} if row is ROWS[3] else row for row in new]}}
    back = thinned.restored(kept)["Event"]
    assert back["Attribute"] == [ROWS[0], ROWS[2], {"new": 1}, *ROWS[4:]]
    assert back["Object"] is DATA["Event"]["Object"], "a list in which nothing changed is the same one"
    for gone in (None, {"Event": None}, {"other": 1}):
        assert thinned.restored(gone) is gone


def test_a_selection_comes_back_too() -> None:
    thinned = Thinned(ROWS, glance_at(ROWS), {2})
    assert thinned.restored([row for row in thinned.data if row is not ROWS[2]]) == [*ROWS[:2], *ROWS[3:]]
    mixed = ["a", {"value": "b"}]
    assert Thinned(mixed, glance_at(mixed), set()).restored(["a"]) == ["a"]


def test_whether_what_is_around_the_branches_goes() -> None:
    thinned = Thinned(DATA, glance_at(DATA), {1})
    for node, around in ((thinned.data, True), (thinned.data["Event"], True), (ROWS[1], False)):
        assert thinned.around(SimpleNamespace(inside=[(node, "", None)])) is around
    assert not thinned.around(SimpleNamespace(inside=[]))
    assert not Thinned(ROWS, glance_at(ROWS), {1}).around(SimpleNamespace(inside=[(ROWS[1], "", None)]))
