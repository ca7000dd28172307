"""Values of several words are found where they stand in a text: whole, between words, the longest first."""

from __future__ import annotations

import pytest

from misp_workflow.delivery.guard.phrases import Phrases
from misp_workflow.delivery.guard.spelling import LONG


@pytest.mark.parametrize(
    ("phrases", "text", "places"),
    [
        (["ab cd", "ab cd ef"], "x ab cd ef y", [(2, 10)]),
        (["ab cd", "ab cd ef"], "x ab cd e", [(2, 7)]),
        (["ab cd", "ab cd f"], "ab cd f ab cd", [(0, 7), (8, 13)]),
        (["abcdefgh ij", "xyz t"], "xyz t abcdefgh ij", [(0, 5), (6, 17)]),  # beginnings of different sizes
        (["x"], "x, xy and x", [(0, 1), (10, 11)]),
        (["a üb"], "a üb好, a übc", [(0, 4)]),  # who writes without spaces goes on in another script
        (["a b好"], "a b好好", []),
        (["a b"], "xa b, a bc, a b", [(12, 15)]),
        ([], "a b", []),
        ([""], "a b", []),
    ],
)
def test_where_values_of_several_words_stand(phrases: list[str], text: str, places: list[tuple[int, int]]) -> None:
    assert list(Phrases(phrases).places(text)) == places


def test_of_a_long_value_the_beginning_is_a_quote() -> None:
    value = "abcd " * 60
    text = f"see {value[:LONG]} {'x' * 100}"
    assert list(Phrases([value]).places(text)) == [(4, 4 + len(value))]
    assert list(Phrases([value]).places(text[: 4 + LONG])) == [(4, 4 + LONG)]
    assert list(Phrases([value]).places(text[: 4 + LONG - 1])) == []
