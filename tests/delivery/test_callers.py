"""Who comes first: the calls that MISP waits for, or what waits in the outbox."""

from __future__ import annotations

from misp_workflow.delivery.house import COURTESY, LONGEST_COURTESY, Callers


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
