"""How values and texts are compared: the words by which a quote is suspected, and the text as it is read."""

from __future__ import annotations

import time

import pytest

from misp_workflow import deadline
from misp_workflow.delivery.guard.spelling import LONG, MUCH, Shown, merged, plain, readings, sure_words, words_of
from misp_workflow.errors import LateError


def test_the_ways_to_write_http_are_one_word() -> None:
    assert words_of("hxxps://a h**p://b H__P://c") == ["https", "a", "http", "b", "http", "c"]
    assert sure_words("hxxps://a") == ["https", "a"]


def test_a_long_text_is_read_with_looks_at_the_clock() -> None:
    long = "evil[.]example hxxp:// " * (MUCH // 23 + 1)
    assert [*words_of(long)] == ["evil", "example", "http"] * (MUCH // 23 + 1)
    with deadline.until(time.monotonic() - 1):
        assert [*words_of("evil[.]example")] == ["evil", "example"], "what is short needs none"
        with pytest.raises(LateError):
            [*words_of(long)]
        with pytest.raises(LateError):
            Shown(long)


@pytest.mark.parametrize("size", [LONG, LONG + 40])
def test_the_last_word_of_what_is_known_by_its_beginning_may_go_on(size: int) -> None:
    value = ("abcd " * 100)[:size]
    assert sure_words(value) == ["abcd"] * (LONG // 5)
    assert set(sure_words(value)) <= set(words_of(value[:LONG] + "xyz"))
    assert sure_words(value[: LONG - 1]) == ["abcd"] * (LONG // 5)


@pytest.mark.parametrize(
    ("text", "meant", "read"),
    [
        ("a plain text", "a plain text", 1),
        ("two  spaces", "two spaces", 1),
        ("someone [at] evil[.]example", "someone@evil.example", 1),
        ("evil dot example", "evil.example", 2),
        ("evil [.] example", "evil.example", 2),
        ("hxxps://Évil", "https://evil", 1),
    ],
)
def test_a_text_is_read_as_a_value_is_and_with_a_dot_between_spaces_as_two(text: str, meant: str, read: int) -> None:
    assert Shown(text).plain == plain(text) == meant
    found = [shown.plain for shown in readings(text)]
    assert len(found) == read
    assert found[1:] == ["evil example"] * (read - 1)


def test_places_that_overlap_are_one() -> None:
    assert merged([(5, 8), (0, 5), (6, 9)]) == [(0, 5), (5, 9)]
    assert merged([(0, 9), (1, 2)]) == [(0, 9)]
