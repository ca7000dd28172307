"""Cuts are honest and never fall within a character or break JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.guard import cut, cut_json, mend, size_of

FAMILY = "👨‍👩‍👧‍👦"
FLAGS = "🇱🇺🇧🇪🇫🇷"


@pytest.mark.parametrize("unit", ["characters", "utf-16", "bytes"])
def test_what_fits_is_not_touched(unit: Any) -> None:
    assert cut("ärger", 6, unit) == "ärger"


@pytest.mark.parametrize(
    ("text", "limit", "unit", "left"),
    [
        ("abcdefghij", 9, "characters", "ab… [cut]"),
        ("abcdefghij", 5, "characters", "abcd…"),
        ("abc", 0, "characters", ""),
        ("abc", -1, "characters", ""),
        ("abc", 2, "bytes", "ab"),  # no room for any mark
        ("ääääääääää", 12, "bytes", "ä… [cut]"),
        ("😀😀😀😀😀😀", 11, "utf-16", "😀😀… [cut]"),
        ("😀😀😀😀😀😀", 10, "utf-16", "😀… [cut]"),
        ("abcde\u0301fghijklmn", 12, "characters", "abcd… [cut]"),
        ("ab" + FAMILY + "cdefgh", 14, "characters", "ab… [cut]"),
        (FLAGS + "abcdef", 10, "characters", "🇱🇺… [cut]"),
        (FLAGS + "abcdef", 11, "characters", "🇱🇺🇧🇪… [cut]"),
        ("a👍🏽bcdefghijk", 9, "characters", "a… [cut]"),
        ("ab &amp; cd efgh", 12, "characters", "ab… [cut]"),
        ("ab &amp; cd efghijk", 15, "characters", "ab &amp;… [cut]"),
        ("one two three four", 12, "characters", "one t… [cut]"),
        ("one  two three four", 12, "characters", "one… [cut]"),
        ("one two three four", 7, "characters", "… [cut]"),
        ("one two three four", 1, "characters", "…"),
        ("a" + FLAGS + "bcdefghij", 11, "characters", "a🇱🇺… [cut]"),
        ("🇱🇺🇧🇪🇫🇷🇱🇺", 11, "utf-16", "🇱🇺… [cut]"),
        ("ab1\u20ddcdefghijk", 10, "characters", "ab… [cut]"),
        ("a🏴\U000e0067\U000e007fbcdefgh", 10, "characters", "a… [cut]"),
        ("ab\r\ncdefghijk", 10, "characters", "ab… [cut]"),
        (FLAGS + "abcdef", 8, "characters", "… [cut]"),
        ("ab" + FLAGS + "cdef", 9, "characters", "ab… [cut]"),
        ("ab🇦🇿cdefghij", 10, "characters", "ab… [cut]"),
        ("ab🇿🇦cdefghij", 10, "characters", "ab… [cut]"),
        ("e\u0301e\u0301e\u0301e\u0301e\u0301", 8, "characters", "… [cut]"),
        ("\u0301bcdefghijk", 7, "characters", "… [cut]"),  # nothing is before the first
        ("&amp; bcdefghij", 10, "characters", "… [cut]"),
        ("ab; cdefghijkl", 9, "characters", "ab… [cut]"),
        ("AT&T is a company", 11, "characters", "AT&T… [cut]"),
        ("abc\ndefghijkl", 10, "characters", "abc… [cut]"),
    ],
)
def test_where_a_cut_falls(text: str, limit: int, unit: Any, left: str) -> None:
    assert cut(text, limit, unit) == left


def test_characters_are_counted_unless_another_unit_is_asked_for() -> None:
    assert cut("😀" * 8, 8) == "😀" * 8


@pytest.mark.parametrize("joined", "\u0903\u200d🏻🏿\U000e0020\U000e007f")
def test_what_belongs_to_the_character_before_goes_with_it(joined: str) -> None:
    assert cut(f"a😀{joined}bcdefghijk", 9) == "a… [cut]"


def test_more_than_sixty_four_marks_make_no_character() -> None:
    assert cut("e" + "\u0301" * 80, 63 + 7) == "… [cut]"
    assert cut("e" + "\u0301" * 80, 65 + 7) == "e" + "\u0301" * 64 + "… [cut]"


def test_a_tower_of_accents_cannot_hold_the_cut_up() -> None:
    text = "a" + "\u0301" * 10_000
    assert len(cut(text, 5_000)) == 5_000


def test_a_row_of_flags_without_end() -> None:
    assert cut("🇱🇺" * 10**5, 1000).endswith("🇱🇺… [cut]")


def measure(text: str, unit: str) -> int:
    if unit == "characters":
        return len(text)
    return (
        len(text.encode("utf-8", "surrogatepass"))
        if unit == "bytes"
        else len(text.encode("utf-16-le", "surrogatepass")) // 2
    )


@given(st.text(alphabet=st.characters() | st.sampled_from("e\u0301👨\u200d🇱🇺&amp;\ud800\udfff")), st.integers(0, 40))
@pytest.mark.parametrize("unit", ["characters", "utf-16", "bytes"])
def test_a_cut_always_fits_and_says_so(unit: Any, text: str, limit: int) -> None:
    left = cut(text, limit, unit)
    assert measure(left, unit) <= limit
    if measure(text, unit) > limit:
        assert left.endswith("…") or left.endswith("… [cut]") or limit < 3
        assert mend(text).startswith(left.removesuffix(" [cut]").removesuffix("…"))
    else:
        assert left == text


def test_half_a_surrogate_pair_is_mended() -> None:
    assert mend("a\ud800b😀") == "a\ufffdb😀"
    assert mend("plain") == "plain"


def test_json_that_fits_is_not_touched() -> None:
    value = {"a": [1, 2, 3]}
    assert cut_json(value, 100) is value


def test_json_that_just_fits_is_as_long_as_it_may_be() -> None:
    whole = {"items": list(range(500))}
    assert cut_json(whole, size_of(whole)) is whole
    left = cut_json(whole, 1_000)
    assert cut_json(whole, size_of(left)) == left
    nothing = cut_json(["x" * 100], 40)
    assert nothing == {"cut": "too large to be sent"}
    assert cut_json(["x" * 100], size_of(nothing)) == nothing


def test_a_long_list_ends_earlier_and_says_so() -> None:
    value = {"title": "t", "items": [{"value": f"198.51.100.{n}"} for n in range(500)]}
    left = cut_json(value, 3_000)
    assert size_of(left) <= 3_000
    assert left["title"] == "t"
    kept = len(left["items"]) - 1
    assert left["items"][:kept] == value["items"][:kept]
    assert left["items"][-1] == {"cut": f"{500 - kept} more left out"}


def test_a_long_text_ends_earlier_and_says_so() -> None:
    left = cut_json({"report": "é" * 10_000_000, "n": 1}, 1_000)
    assert left["report"].endswith("… [cut]")
    assert left["n"] == 1
    assert size_of(left) <= 1_000


def test_what_can_never_fit() -> None:
    assert cut_json({str(n) * 50: n for n in range(500)}, 200) == {"cut": "too large to be sent"}
    assert cut_json(["x" * 100], 10) is None


def test_the_size_of_what_orjson_cannot_say() -> None:
    assert size_of({"a": "\ud800", "b": 2**70}) == len(json.dumps({"a": "\ud800", "b": 2**70}))


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=300),
    lambda below: st.lists(below, max_size=30) | st.dictionaries(st.text(max_size=5), below, max_size=5),
    max_leaves=60,
)


@given(trees, st.integers(4, 400))
def test_cut_json_fits_and_is_json(value: Any, limit: int) -> None:
    left = cut_json(value, limit)
    assert size_of(left) <= limit or left is None
    orjson.loads(orjson.dumps(left))
    if size_of(value) > limit:
        assert left is None or "cut" in json.dumps(left) or "left out" in json.dumps(left)


def test_what_is_just_as_long_as_it_may_be_loses_nothing_more() -> None:
    """Twenty texts fit when they are shorter; another one is what is left out. Members go beyond two hundred only."""
    twenty = cut_json(["x" * 600] * 20, 11_000)
    assert len(twenty) == 20 and all(text.endswith("… [cut]") for text in twenty)
    assert cut_json(["x" * 600] * 21, 11_000)[-1] == "… 1 more left out"
    many = {f"name {n}": "x" * 100 for n in range(300)}
    assert cut_json(many, 25_000)["cut"] == "100 more left out"
    assert "cut" not in cut_json(dict(list(many.items())[:200]), 20_000)
