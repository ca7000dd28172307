"""A walk through nested data overlooks nothing, and what it changes is all that it changes."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.delivery.guard.nested import FEW, Edits, Survey, members_of, rewrite


@pytest.mark.parametrize("number", [1, FEW, FEW + 1])
def test_the_members_of_all_objects(number: int) -> None:
    shared = {"f": [{"g": 1}]}
    rows = [{"c": place, "x": {}} for place in range(number)]
    data = {"a": {"b": [*rows, [{"d": [shared]}], 5, None, "h"]}, "e": [], "i": [shared, shared]}
    assert members_of(data) == set("abcdefgix")


def test_what_goes_stays_away_whatever_else_is_noted_of_it() -> None:
    data = {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 1}], "c": [[{"x": 3}]]}
    edits = Edits(Survey(data))
    gone, other, inner = (place for place in edits.places if "x" in place[0])
    edits.drop(gone)
    edits.put(gone, {"x": 9})
    edits.change(gone, "x", 9)
    edits.change(other, "x", 7)
    edits.drop(inner)
    made = edits.made(data)
    assert made == {"a": [{"x": 7}], "b": [{"y": 1}], "c": [[]]}
    assert made["b"] is data["b"], "a branch in which nothing changes is the same one"
    assert data["a"] == [{"x": 1}, {"x": 2}]


def test_what_is_skipped_is_skipped_at_any_depth() -> None:
    data = {"a": [{"b": {"x": 1, "skipped": {"x": 1}}}]}

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        return {**node, "x": key} if "x" in node else node

    assert rewrite(data, visit, skip=("skipped",)) == {"a": [{"b": {"x": "b", "skipped": {"x": 1}}}]}
