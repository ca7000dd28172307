"""PHP's habits, row by row from the manual: comparison table, numeric strings, array keys, conversion to text."""

from __future__ import annotations

import math
from typing import Any

import pytest

from misp_workflow import php
from misp_workflow.errors import PhpCrash, RunnerError

# "Comparisons of $x with PHP functions" and "Loose comparisons with ==", PHP 8
VALUES: list[Any] = [True, False, 1, 0, -1, "1", "0", "-1", None, [], "php", ""]
LOOSE = """
T F T F T T F T F F T F
F T F T F F T F T T F T
T F T F F T F F F F F F
F T F T F F T F T F F F
T F F F T F F T F F F F
T F T F F T F F F F F F
F T F T F F T F F F F F
T F F F T F F T F F F F
F T F T F F F F T T F T
F T F F F F F F T T F F
T F F F F F F F F F T F
F T F F F F F F T F F T
"""


def test_loose_equality_is_the_manuals_table() -> None:
    table = [line.split() for line in LOOSE.split("\n") if line]
    for row, left in zip(table, VALUES, strict=True):
        for cell, right in zip(row, VALUES, strict=True):
            assert php.loose_equal(left, right) is (cell == "T"), (left, right)
            assert php.equal_to(right)(left) is (cell == "T"), (left, right)
            assert php.equal_to_any(["never", right])(left) is (cell == "T" or left is True), (left, right)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("1e3", "1000", True),
        (" 1", "1", True),
        ("1 ", "1", True),
        ("1\x00", "1", False),
        ("1\xa0", "1", False),
        ("0x10", "16", False),
        ("1_000", "1000", False),
        ("٣", "3", False),
        ("0" * 30 + "7", 7, True),
        ("9223372036854775807", "9223372036854775808", False),
        ("9223372036854775808", "9223372036854775809", False),
        ("9223372036854775808", "9223372036854775808.0", True),
        ("1e999", "1e998", False),
        ("1e999", math.inf, True),
        ("abc", 0, False),
        ("1.5", 1.5, True),
        (1.0, 1, True),
        (9007199254740993, 9007199254740992.0, True),  # an integer compared with a float becomes one
        (math.nan, math.nan, False),
        (math.nan, True, True),
        ([1, 2], {"0": 1, "1": 2}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": "1"}, True),
        ([1, 2], [2, 1], False),
        ({"1": 2, "0": 1}, [1, 2], True),
        ([], None, True),
        ([0], None, False),
        ([], "", False),
        (["a"], "Array", False),
    ],
)
def test_loose_equality(left: Any, right: Any, equal: bool) -> None:
    assert php.loose_equal(left, right) is equal
    assert php.loose_equal(right, left) is equal
    assert php.equal_to(right)(left) is equal
    assert php.equal_to_any([right])(left) is equal


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("abc", "abd", -1),
        ("10", "9", 1),
        ("10", "9a", -1),
        (None, "a", -1),
        ("", None, 0),
        (None, -5, -1),  # null makes both booleans
        (5, [], -1),  # an array is always greater
        ([], 5, 1),
        ([1, 2, 3], [9, 9], 1),  # the longer one
        ([1, 2], [1, 3], -1),
        ({"a": 1}, {"b": 1}, 1),  # cannot be compared
        ({"b": 1}, {"a": 1}, 1),
        (5, "abc", -1),  # as texts
        ("abc", 5, 1),
        (math.nan, 1, 1),
        (1, math.nan, 1),
        ("a", math.nan, 1),
        ("é", "z", 1),
        ("9" * 30, "1", 1),
        ("-" + "9" * 30, "1", -1),
        ("9" * 30, "9" * 29 + "8", 1),
    ],
)
def test_order(left: Any, right: Any, order: int) -> None:
    assert php.compare(left, right) == order


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (False, ""),
        (True, "1"),
        (7, "7"),
        (-0.0, "-0"),
        (2.0, "2"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.33333333333333"),
        (1e14, "1.0E+14"),
        (99999999999999.0, "99999999999999"),
        (0.0001, "0.0001"),
        (0.00001, "1.0E-5"),
        (-1.25e-10, "-1.25E-10"),
        (math.inf, "INF"),
        (-math.inf, "-INF"),
        (math.nan, "NAN"),
        (2**63, "9.2233720368548E+18"),  # no integer of PHP's
        (10**400, "INF"),
        ([1], "Array"),
    ],
)
def test_text(value: Any, text: str) -> None:
    assert php.to_string(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [("12abc", 12), ("abc", 0), (" 1.5x", 1.5), ("1e2y", 100.0), (".5", 0.5), (None, 0), (True, 1), ([], 0), ([0], 1)],
)
def test_number(value: Any, number: float) -> None:
    assert php.to_number(value) == number
    assert php.to_int(value) == int(number)


def test_integers_wrap_and_what_is_not_finite_is_zero() -> None:
    assert php.to_int(2.0**64 + 2**12) == 4096
    assert php.to_int(2.0**63) == -(2**63)
    assert php.to_int(math.inf) == php.to_int(math.nan) == 0


@pytest.mark.parametrize(
    ("key", "integer"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("-0", None),
        ("05", None),
        ("+5", None),
        ("5 ", None),
        ("5.0", None),
        ("", None),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("٣", None),
    ],
)
def test_array_keys(key: str, integer: int | None) -> None:
    assert php.int_key(key) == integer


def test_keys_of_other_types() -> None:
    assert [php.array_key(value) for value in (None, True, False, 1.9, -1.9, "05")] == ["", "1", "0", "1", "-1", "05"]
    with pytest.raises(PhpCrash):
        php.array_key([])


@pytest.mark.parametrize("value", ["", "0", 0, 0.0, -0.0, False, None, [], {}])
def test_empty(value: Any) -> None:
    assert php.empty(value)
    assert not php.truthy(value)


@pytest.mark.parametrize("value", ["0.0", " ", "false", "00", math.nan, [0], {"a": None}, -1])
def test_not_empty(value: Any) -> None:
    assert php.truthy(value)


def test_arrays() -> None:
    assert php.array_merge({"a": 1, "5": 2}, {"a": 3, "9": 4}) == {"a": 3, "0": 2, "1": 4}
    assert php.array_merge(["x"], {"0": "y"}) == ["x", "y"]
    assert php.canonical({"1": "b", "0": "a"}) == {"1": "b", "0": "a"}  # the order counts
    assert php.canonical({"a": {"0": [], "1": {}}}) == {"a": [[], []]}
    assert php.sort(["10", "9", "1e1", 2]) == [2, "9", "10", "1e1"]
    assert php.sort(list("cab") * 10) == sorted("cab" * 10)
    assert php.at_places([1, 2, 3], [0, 1]) == [1, 2]
    assert php.at_places([1, 2, 3], [1]) == {"1": 2}
    assert php.at_places({"a": 1, "b": 2}, [1]) == {"b": 2}
    assert php.strict_equal([1], {"0": 1})
    assert not php.strict_equal([1], ["1"])
    assert not php.strict_equal({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert php.to_array("x") == ["x"]
    assert php.to_array(None) == []


def test_nesting_beyond_what_can_be_followed_is_said() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(RunnerError, match="nested"):
        php.canonical(deep)
    other: Any = []
    for _ in range(50_000):
        other = [other]
    with pytest.raises(RunnerError, match="nested"):
        php.loose_equal(deep, other)
    with pytest.raises(RunnerError, match="nested"):
        php.compare(deep, other)
