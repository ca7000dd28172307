"""The table of verdicts, row by row, and the waiting between tries."""

from __future__ import annotations

import random

import pytest

from misp_workflow.delivery import retry

DELIVERED = range(200, 300)
AGAIN = {408, 423, 425, 429, *range(500, 600)} - {501, 505, 506, 508, 510}


@pytest.mark.parametrize("status", range(100, 600))
def test_every_http_status(status: int) -> None:
    expected = "delivered" if status in DELIVERED else "again" if status in AGAIN else "refused"
    assert retry.http_outcome(status) == expected


@pytest.mark.parametrize("status", sorted(retry.ADVICE))
def test_advice_is_for_final_answers(status: int) -> None:
    assert retry.http_outcome(status) == "refused"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999999999999", retry.LONGEST_WISH),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("Wednesday, 21-Oct-15 07:28:30 GMT", 30.0),
        ("Wed Oct 21 07:28:30 2015", 30.0),
        ("Wed, 21 Oct 2099 07:28:30 GMT", retry.LONGEST_WISH),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", 1.5),
        ("28.706807374954224", 28.706807374),
        ("1e3", None),
        (".5", None),
        ("soon", None),
        ("٣", None),
        ("Wed, 99 Oct 2015 07:28:30 GMT", None),
    ],
)
def test_both_forms_of_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry.retry_after(value, 1445412480.0) == seconds  # Wed, 21 Oct 2015 07:28:00 GMT


def test_back_off_is_anywhere_below_a_ceiling_that_doubles() -> None:
    chance = random.Random(7)
    for tries in range(1, 40):
        ceiling = min(retry.LONGEST_WAIT, retry.FIRST_WAIT * 2.0 ** (tries - 1))
        waits = [retry.back_off(tries, chance=chance) for _ in range(300)]
        assert all(0 <= wait <= ceiling for wait in waits)
        assert min(waits) < ceiling / 4
        assert max(waits) > ceiling * 3 / 4


def test_a_wish_is_a_floor() -> None:
    chance = random.Random(7)
    assert all(60 <= retry.back_off(tries, 60.0, chance) <= 67 for tries in range(1, 40))


class Latest(random.Random):
    """Chance that always gives the most."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0.0, "the least wait is none at all"
        return b


@pytest.mark.parametrize(
    ("tries", "wish", "latest"),
    [
        (1, None, 2.0),
        (2, None, 4.0),
        (9, None, 512.0),
        (10, None, 900.0),
        (1, 60.0, 62.0),  # the jitter of a first try is less than a tenth of the wish and a second
        (9, 60.0, 67.0),
        (9, 0.0, 1.0),
        (9, 100.0, 111.0),
    ],
)
def test_the_latest_moment_of_the_next_try(tries: int, wish: float | None, latest: float) -> None:
    assert retry.back_off(tries, wish, Latest()) == latest


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "1445412510"}, 30.0),
        ({"x-ratelimit-reset": "1445412510500"}, 30.5),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"ratelimit-reset": "12"}, 12.0),
        ({"retry-after": "2.5", "ratelimit-reset": "12"}, 2.5),
        ({"ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
def test_when_a_429_says_that_the_limit_ends(headers: dict[str, str], seconds: float | None) -> None:
    assert retry.limit(429, headers, 1445412480.0) == seconds


def test_a_number_of_tries_beyond_any_float_is_no_problem() -> None:
    assert retry.back_off(100_000) <= retry.LONGEST_WAIT


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1445412510", 30.0),
        ("1", 1.0),
        ("1445412470", 0.0),
        ("9" * 18, retry.LONGEST_WISH),
        ("9" * 5000, 60.0),
        ("²", 60.0),
        ("", 60.0),
    ],
)
def test_when_githubs_limit_ends(reset: str, seconds: float) -> None:
    assert retry.limit(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, 1445412480.0) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30.0),
        ({"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1445412490"}, 7.0),
        ({"x-ratelimit-remaining": "0"}, 60.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1445412490"}, None),
        ({}, None),
    ],
)
def test_what_a_403_says_of_a_limit(headers: dict[str, str], seconds: float | None) -> None:
    assert retry.limit(403, headers, 1445412480.0) == seconds


def test_what_a_batch_came_to_is_told_in_full() -> None:
    told = retry.part(4, {1: "no"}, {3: "busy", 0: "busy"}, ids={2: "u"}, retry_after=7.0, down=True)
    assert told == retry.Answer(
        outcome="part",
        detail="1 in, 1 refused: no, 2 to be tried again: busy",
        retry_after=7.0,
        down=True,
        again=(0, 3),
        refused={1: "no"},
        ids={2: "u"},
    )


@pytest.mark.parametrize(
    ("refused", "again", "answer"),
    [
        ({}, {}, retry.Answer(outcome="delivered", detail="2 in")),
        (
            {0: "no", 1: "no"},
            {},
            retry.Answer(outcome="refused", detail="2 refused: no", refused={0: "no", 1: "no"}),
        ),
        (
            {},
            {1: "busy", 0: "busy"},
            retry.Answer(outcome="again", detail="2 to be tried again: busy", again=(0, 1)),
        ),
    ],
)
def test_a_batch_whose_items_share_a_fate_is_told_of_by_that_alone(
    refused: dict[int, str], again: dict[int, str], answer: retry.Answer
) -> None:
    assert retry.part(2, refused, again) == answer


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (5, "5 s"),
        (119, "119 s"),
        (120, "2 min"),
        (172_799, "2880 min"),
        (172_800, "2 days"),
        (302_400, "4 days"),
        (864_000, "10 days"),
    ],
)
def test_how_old_an_effect_is_that_is_given_up(age: float, told: str) -> None:
    assert retry.sentence_of_age(age, "It timed out.") == f"Given up after {told}. It timed out."
    assert retry.sentence_of_age(age, "") == f"Given up after {told}."


def test_a_status_is_told_as_people_know_it() -> None:
    assert retry.http_phrase(404) == "404 Not Found"
    assert retry.http_phrase(599) == "599"
