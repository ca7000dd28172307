"""Who comes first: the calls that MISP waits for, or what waits in the outbox."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from misp_workflow.delivery import house
from misp_workflow.delivery.house import COURTESY, LONGEST_COURTESY, Callers, House
from misp_workflow.delivery.outbox import Claim
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Parcel, Post
from misp_workflow.settings import Settings


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_workers_rest_while_several_calls_are_there_and_not_for_a_single_one() -> None:
    clock = Clock()
    callers = Callers(clock)
    assert not callers.come_first(), "nobody ever called"
    with callers:
        assert not callers.come_first(), "a single call is no crowd"
        with callers:
            assert callers.come_first()
    clock.now += COURTESY
    assert not callers.come_first(), "the crowd has gone"


def test_a_crowd_that_stays_is_not_waited_out_and_one_that_comes_back_is() -> None:
    clock = Clock()
    callers = Callers(clock)

    def rush(seconds: float) -> None:
        end = clock.now + seconds
        while clock.now < end:
            with callers, callers:
                clock.now += COURTESY / 4

    rush(LONGEST_COURTESY - 1)
    assert callers.come_first()
    rush(2)
    assert not callers.come_first(), "what was left to the workers must get its turn"
    clock.now += 10 * COURTESY
    rush(1)
    assert callers.come_first()


def test_no_worker_is_woken_while_one_rests_for_the_callers_sake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = House(Settings(state_folder=tmp_path))
    woken: list[str] = []
    asleep: list[str] = []
    monkeypatch.setattr(keeper.workers, "wake", lambda: woken.append(threading.current_thread().name))
    monkeypatch.setattr(keeper, "perform", lambda *what: Answer(outcome="delivered", detail="yes"))
    monkeypatch.setattr(keeper.callers, "come_first", lambda: True)
    monkeypatch.setattr(house.time, "sleep", lambda seconds: (keeper.wake(), asleep.extend(woken)))
    parcel = Parcel(key="a", effect=Post(label="x", url="http://127.0.0.1:9/"), action="a", created=0.0)
    try:
        keeper.work_on(Claim(parcel=parcel, lane="chat", keys=("a",), tries=0))
        assert not asleep, "the one that rests looks for work in a moment"
        assert len(woken) == 1, "but it may work for some lanes only, and for one effect at a time"
        keeper.wake()
        assert len(woken) == 2
    finally:
        keeper.close(5)
