"""Breaker, bulkhead, rate and silence, against a clock that the test sets."""

from __future__ import annotations

import dataclasses

import pytest

from misp_workflow.delivery.breaker import FIRST_REST, LONGEST_REST, MOST_FAILURES, Breaker
from misp_workflow.delivery.lanes import MOST_CALLERS, Lanes, name_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MispChange, Post

GOOD = Answer(outcome="delivered", detail="fine")
NO = Answer(outcome="refused", detail="no")
ILL = Answer(outcome="again", detail="down", down=True)
QUICK, SLOW = 0.01, 3.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lanes_with(clock: Clock, rate: float | None = None, workers: int = 4) -> Lanes:
    return Lanes(lambda name: rate, workers, clock)


def learn(lanes: Lanes, answer: Answer, seconds: float = QUICK) -> None:
    assert lanes.enter("a") == ""
    lanes.leave("a", answer, seconds)


def heard(lanes: Lanes, number: int) -> list[str]:
    """Return what `number` callers hear who try one after the other."""
    said = []
    for _ in range(number):
        said.append(lanes.enter("a"))
        if not said[-1]:
            lanes.leave("a", GOOD, QUICK)
    return said


# --- the breaker ------------------------------------------------------------------------------------------------------


def test_it_opens_after_failures_in_a_row_only(clock: Clock) -> None:
    lanes = lanes_with(clock)
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            learn(lanes, ILL)
        learn(lanes, GOOD)
    for _ in range(MOST_FAILURES):
        learn(lanes, ILL)
    ill = f"a did not answer a moment ago and is left alone for {FIRST_REST:.0f} s"
    assert (lanes.enter("a"), lanes.closed("a")) == (ill, ill)
    assert lanes.enter("b") == ""
    assert "a" in lanes.blocked()


def test_a_slow_failure_opens_it_at_once(clock: Clock) -> None:
    lanes = lanes_with(clock)
    learn(lanes, ILL, SLOW)
    assert lanes.enter("a") != ""


def test_a_refusal_is_a_sign_of_health(clock: Clock) -> None:
    lanes = lanes_with(clock)
    for _ in range(20):
        learn(lanes, NO)
    assert lanes.enter("a") == ""


def test_one_worker_probes_and_closes_it(clock: Clock) -> None:
    lanes = lanes_with(clock)
    learn(lanes, ILL, SLOW)
    assert not lanes.enter_as_worker("a")
    clock.now += FIRST_REST
    assert lanes.enter("a") != "", "callers do not probe"
    assert lanes.enter_as_worker("a")
    assert not lanes.enter_as_worker("a"), "one probe at a time"
    assert "a" in lanes.blocked()
    lanes.leave_as_worker("a", GOOD, QUICK)
    assert lanes.enter("a") == ""
    assert "a" not in lanes.blocked()


def test_a_probe_that_fails_doubles_the_rest_up_to_a_bound(clock: Clock) -> None:
    lanes = lanes_with(clock)
    learn(lanes, ILL, SLOW)
    rest = FIRST_REST
    for _ in range(12):
        assert lanes.rest("a") == rest
        clock.now += rest
        assert lanes.enter_as_worker("a")
        lanes.leave_as_worker("a", ILL, QUICK)
        rest = min(rest * 2, LONGEST_REST)
    assert rest == LONGEST_REST


def test_a_probe_that_says_nothing_leaves_the_next_one_to_it(clock: Clock) -> None:
    lanes = lanes_with(clock)
    learn(lanes, ILL, SLOW)
    clock.now += FIRST_REST
    assert lanes.enter_as_worker("a")
    lanes.leave_as_worker("a", None, 0.0)
    assert lanes.enter_as_worker("a")


def test_what_began_before_it_opened_does_not_lengthen_the_rest() -> None:
    breaker = Breaker()
    breaker.ill(0.0, slowly=True)
    breaker.ill(3.0, slowly=True)
    assert breaker.until == FIRST_REST


# --- the bulkhead -----------------------------------------------------------------------------------------------------


def test_two_callers_at_most(clock: Clock) -> None:
    lanes = lanes_with(clock)
    assert [lanes.enter("a") for _ in range(MOST_CALLERS)] == [""] * MOST_CALLERS
    assert lanes.enter("a") == "others already wait for a"
    assert lanes.enter("b") == ""
    assert lanes.closed("a") == "", "a third may come when one has gone"
    lanes.leave("a", None, QUICK)
    assert lanes.enter("a") == ""


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (2, 1), (4, 3)])
def test_one_lane_never_takes_all_workers(clock: Clock, workers: int, most: int) -> None:
    lanes = lanes_with(clock, workers=workers)
    assert [lanes.enter_as_worker("a") for _ in range(workers + 1)].count(True) == most
    assert lanes.enter_as_worker("b")


# --- rate and silence -------------------------------------------------------------------------------------------------


def test_a_rate_allows_a_burst_and_then_its_pace(clock: Clock) -> None:
    lanes = lanes_with(clock, rate=2.0)
    assert heard(lanes, 3) == ["", "", "a gets no more than 2 per second"]
    clock.now += 0.5
    assert [why == "" for why in heard(lanes, 2)] == [True, False]
    clock.now += 3600
    assert [why == "" for why in heard(lanes, 3)] == [True, True, False], "a long rest saves up no more than one burst"


def test_over_time_the_rate_is_kept(clock: Clock) -> None:
    lanes = lanes_with(clock, rate=5.0)
    tries = 0
    for _ in range(1000):
        clock.now += 0.01
        if lanes.enter_as_worker("a"):
            tries += 1
            lanes.leave_as_worker("a", GOOD, QUICK)
    assert 50 <= tries <= 56


def test_a_slow_rate_is_one_at_a_time(clock: Clock) -> None:
    lanes = lanes_with(clock, rate=0.1)
    assert [why == "" for why in heard(lanes, 2)] == [True, False]
    assert lanes.rest("a") == pytest.approx(10.0)
    assert "a" in lanes.blocked()
    clock.now += 10
    assert "a" not in lanes.blocked()


def test_retry_after_silences_the_lane(clock: Clock) -> None:
    lanes = lanes_with(clock)
    learn(lanes, Answer(outcome="again", detail="slow down", retry_after=30.0))
    assert lanes.enter("a") == "a asked not to be called for 30 s"
    assert "a" in lanes.blocked()
    clock.now += 31
    assert lanes.enter("a") == ""


def test_lanes_that_are_well_are_forgotten_when_there_are_too_many(clock: Clock, monkeypatch) -> None:
    monkeypatch.setattr("misp_workflow.delivery.lanes.MOST_LANES", 10)
    lanes = lanes_with(clock)
    learn(lanes, ILL, SLOW)
    for n in range(100):
        assert lanes.enter(f"lane {n}") == ""
        lanes.leave(f"lane {n}", GOOD, QUICK)
    assert len(lanes._lanes) <= 10
    assert lanes.enter("a") != "", "the ill one is remembered"


@pytest.mark.parametrize(
    ("effect", "name"),
    [
        (Post(url="https://Hooks.Slack.com/services/T/B/secret"), "https://hooks.slack.com"),
        (Post(url="http://user:secret@10.0.0.1:8080/x"), "http://10.0.0.1:8080"),
        (Post(url="https://hooks.slack.com/x", destination="soc"), "soc"),
        (Post(url="http://[::1"), "an address that is none"),
    ],
)
def test_a_lane_is_a_destination_or_a_host_and_no_secret(effect: Post, name: str) -> None:
    assert name_of(effect) == name


# --- the gates' own ---------------------------------------------------------------------------------------------------


def test_what_a_gate_says_in_misp_has_a_lane_that_nothing_closes(clock: Clock) -> None:
    approval = MispChange(change="tag", event="x", keep=False, label="a tag")
    taken_back = MispChange(change="tag", event="x", values={"watch_until": 1.0}, label="a tag")
    other = MispChange(change="tag", event="x", label="a tag")
    gates = name_of(approval)
    assert name_of(taken_back) == name_of(dataclasses.replace(approval, destination="misp")) == gates
    assert name_of(other) == "MISP" != gates
    lanes = lanes_with(clock)
    for _ in range(MOST_FAILURES * 2):
        assert lanes.enter(gates) == "", "its own failures do not close it either"
        lanes.leave(gates, dataclasses.replace(ILL, retry_after=60.0), SLOW)
    assert gates not in lanes.blocked()
    assert [lanes.enter(gates) for _ in range(MOST_CALLERS * 3)] == [""] * (MOST_CALLERS * 3), (
        "as many as publish at once"
    )
