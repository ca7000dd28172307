"""Conditions and filters, beyond the recorded cases."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data.conditions import extract_data, holds, matching
from misp_workflow.runner.data.profiles import MATCHES_RENUMBERED, ORDER_OPERATORS, profile

ITEMS = [{"type": "ip-src", "n": 1}, {"type": "domain", "n": "1"}, {"type": "ip-src", "n": [1]}, {"type": None}]

OLD = profile("2.5.1")
ORDERED = OLD.having(ORDER_OPERATORS, modules_of="2.5.1")
RENUMBERED = OLD.having(MATCHES_RENUMBERED, modules_of="2.5.1")


@pytest.mark.parametrize(
    ("data", "operator", "value", "answer"),
    [
        ("1e1", "equals", 10, True),
        ([1], "equals", 1, False),  # an array equals nothing …
        ([1], "not_equals", 2, False),  # … and differs from nothing
        (["a", ["b"]], "in", ["b"], True),
        ({"x": "a"}, "in", "a", True),
        ("abc", "in_and", ["abc"], False),
        ("abc", "not_in_and", ["z"], False),
        (["a"], "in_and", "a", False),
        (["a"], "not_in_and", "z", False),
        ("abc", "in", "a", False),  # no search in a text
        ("abc", "not_in", "z", False),
        (["a", "b"], "in_or", ["b"], True),
        (["a", "b"], "in_or", "b", False),
        (["b", "a"], "in_and", ["a", "b"], True),
        (["a", "a"], "in_and", ["a", "b"], False),
        (["b", "a"], "not_in_and", ["a", "b"], True),  # the order counts, unlike for in_and
        (["a", "b"], "not_in_and", ["a", "b"], False),
        (["a"], "not_in_or", {"k": "a"}, False),
        (["a", True], "in_or", ["zzz"], True),  # true equals every text
        (["a"], "any_value", "", False),
        (["a"], True, "a", False),
        (["a"], ["in"], "a", False),
    ],
)
def test_holds(data: Any, operator: Any, value: Any, answer: bool) -> None:
    assert holds(data, operator, value) is answer


def test_what_matches_keeps_its_key() -> None:
    assert matching(ITEMS, "ip-src", "equals", "type") == {"0": ITEMS[0], "2": ITEMS[2]}
    assert matching(ITEMS, "domain", "equals", "type") == {"1": ITEMS[1]}
    assert matching(ITEMS[:2], "zzz", "not_equals", "type") == ITEMS[:2]
    assert matching(ITEMS, "zzz", "equals", "type") == []
    assert matching({"a": ITEMS[0], "b": ITEMS[1]}, "domain", "equals", "type") == {"b": ITEMS[1]}
    assert matching(ITEMS, "", "any_value", "n") == ITEMS[:3]


def test_what_matches_is_shared_not_copied() -> None:
    assert matching(ITEMS, "ip-src", "in_or", "type") == []
    kept = matching(ITEMS, ["ip-src"], "in_or", "type")
    assert kept["2"] is ITEMS[2]
    assert matching(ITEMS, ["zzz"], "not_in_or", "type") is ITEMS


@pytest.mark.parametrize("items", [None, "abc", 5, True])
def test_items_that_are_no_array_come_back(items: Any) -> None:
    assert matching(items, "a", "in", "{n}") is items


def test_equals_looks_at_the_first_value_only() -> None:
    assert matching([{"t": ["a", "b"]}], "b", "equals", "t") == []
    assert matching([{"t": ["a", "b"]}], "b", "in", "t") == [{"t": ["a", "b"]}]
    assert matching([{"t": {"3": "a"}}], "a", "equals", "t") == []  # there is no key 0
    assert matching([{"t": {"3": "a"}}], "a", "not_equals", "t") == [{"t": {"3": "a"}}]
    assert matching(["abc"], "a", "equals", "") == ["abc"]  # the first byte of the text
    assert matching([{"t": []}], "", "not_equals", "t") == []
    assert matching([{"t": {"0": "a", "x": "b"}}], "a", "equals", "t") == [{"t": {"0": "a", "x": "b"}}]


def test_what_is_found_may_be_an_array_with_names_or_arrays_in_it() -> None:
    items = [{"a": {"b": {"x": "v"}}}, {"a": {"b": ["w"]}}, {"a": {"b": [["v"]]}}]
    assert matching(items, "v", "in", "a.b") == items[:1]
    assert matching(items, ["v"], "in", "a.b") == {"2": items[2]}
    assert matching(items[1:], "v", "not_in", "a.b") == items[1:]
    tags = [{"Tag": [{"name": ["n"]}]}, {"Tag": [{"name": "n"}]}]
    assert matching(tags, "n", "in", "Tag.{n}.name") == {"1": tags[1]}
    assert matching(tags, ["n"], "in_or", "Tag.{n}.name") == {"1": tags[1]}


@pytest.mark.parametrize(
    ("operator", "value", "places"),
    [("in", "a", "0"), ("not_in", "a", "1 2"), ("in_or", ["b", "c"], "0 1"), ("not_in_or", ["b"], "1 2")],
)
def test_of_the_names_of_all_tags_each_item_has_its_own(operator: str, value: Any, places: str) -> None:
    items = [{"Tag": [{"name": "a"}, {"name": "b"}]}, {"Tag": [{"name": "c"}]}, {"Tag": []}]
    expected = [items[int(place)] for place in places.split()]
    assert matching(items, value, operator, "Tag.{n}.name", RENUMBERED) == expected


def test_a_path_that_is_no_text() -> None:
    items = [{"5": "x", "1": "y"}, {"5": "y"}]
    assert matching(items, "x", "equals", 5) == items[:1]
    assert matching(items, "y", "in", True) == items[:1]
    assert matching([["x"], "x"], "x", "in", 0) == [["x"]]
    assert extract_data(["a", "b"], 1) == ["b"]


@pytest.mark.parametrize("number", [31, 32, 33, 40])
def test_many_entries_are_asked_as_few_are(number: int) -> None:
    data = [str(entry) for entry in range(number)]
    assert holds(data, "in", number - 1)
    assert not holds(data, "in", number)
    assert holds(data, "in_and", data)
    assert holds([*data, ["x"]], "in", ["x"])


def test_a_path_of_several_names_is_no_name_with_dots() -> None:
    items = [{"a": {"b": "x"}}, {"a.b": "x"}, {"a": "x"}, {}]
    for operator in ("equals", "any_value"):
        assert matching(items, "x", operator, "a.b") == items[:1]
    assert matching(items, "x", "not_equals", "a.b") == []


@pytest.mark.parametrize(
    ("operator", "passing"), [("greater", "3"), ("greater_equals", "2 3"), ("less", "1"), ("less_equals", "1 2")]
)
def test_versions_that_know_an_order_compare_by_it(operator: str, passing: str) -> None:
    assert [number for number in "123" if holds(number, operator, "2", ORDERED)] == passing.split()
    assert not holds(["1", "3"], operator, "2", ORDERED)
    assert not any(holds(number, operator, "2", OLD) for number in "123")
    items = [{"n": number} for number in "123"]
    assert list(matching(items, "2", operator, "n", RENUMBERED)) == []
    kept = matching(items, "2", operator, "n", ORDERED)
    assert [item["n"] for item in (kept if isinstance(kept, list) else kept.values())] == passing.split()


def test_versions_that_know_an_order_know_all_else_as_before() -> None:
    assert holds("a", "equals", "a", ORDERED)
    assert not holds("a", "no operator", "a", ORDERED)


def test_versions_that_number_anew_give_a_list_and_want_an_array() -> None:
    assert matching(ITEMS, "domain", "equals", "type", RENUMBERED) == [ITEMS[1]]
    with pytest.raises(PhpCrash) as crash:
        matching("text", "a", "in", "t", RENUMBERED)
    assert crash.value.message == "array_values(): Argument #1 ($array) must be of type array, string given"


def test_an_empty_path_is_the_data() -> None:
    assert extract_data("text", "") == "text"
    assert extract_data(5, None) == 5
    assert extract_data([1], "0") == [1]


def test_a_path_into_a_text_kills_php() -> None:
    with pytest.raises(PhpCrash):
        extract_data("text", "a.b")
    with pytest.raises(PhpCrash):
        matching(["text"], "a", "in", "a")
