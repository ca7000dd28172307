"""One lane per destination: who may try it now, so that no destination can use up threads, or be overrun.

A lane is told from others by the destination's name in the settings, or by what the effect says of its other side
(scheme, host and port). Lanes live in the memory of one process: two processes each have their own breaker, and each
keep to the rate.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from misp_workflow.delivery.breaker import LONGEST_REST, Breaker
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MISP_FOR_GATES, SCRIPTS_FOR_GATES, Effect

MOST_CALLERS = 2
"""Callers that wait on one destination at the same time; the others are queued at once."""
SLOW = 1.0
"""Seconds. A failure that takes longer opens the breaker at once: it costs those who wait their time."""
MOST_LANES = 4096
"""Lanes that are remembered before those of which nothing needs to be are thrown out."""
MOST_WELL = 512
"""Lanes that are remembered as well; a worker is kept for these."""
ALWAYS_ASKED = frozenset({MISP_FOR_GATES, SCRIPTS_FOR_GATES})
"""Lanes without a breaker: what is not asked there stops a publish, so each one has its try, and its own no."""


def name_of(effect: Effect) -> str:
    """Return the identity of the effect's destination."""
    place = effect.place()
    return place if place in ALWAYS_ASKED else effect.destination or place


class Lane:
    """The state of one destination."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.callers = 0
        self.workers = 0
        self.held_until = 0.0  # the other side asked for silence until then
        self.next_token = 0.0  # with a rate: when the next try is allowed

    def idle(self, now: float) -> bool:
        """Whether nothing about it needs to be remembered: nobody is there, and no wait is of today."""
        if self.callers or self.workers or self.held_until > now or self.next_token > now:
            return False
        return self.breaker.state == "closed" or self.breaker.until + LONGEST_REST < now


class Lanes:
    """All lanes of this process. `rate` gives the tries per second that a lane allows, None for any number."""

    def __init__(
        self, rate: Callable[[str], float | None], workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._most_workers = max(1, workers - 1)  # one ill destination never takes all of them
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._well: dict[str, None] = {}  # the last one to be so at the end
        self._most = MOST_LANES
        self._lock = threading.Lock()

    def closed(self, name: str) -> str:
        """Return why no caller should try the lane now, or "": it is ill, or asked for silence."""
        with self._lock:
            return self._why_not(name, self._lane(name), self._clock())

    def enter(self, name: str) -> str:
        """Let a caller try once, and return ""; or return why not. Whoever enters must leave when the try is over."""
        with self._lock:
            lane, now = self._lane(name), self._clock()
            if why := self._why_not(name, lane, now):
                return why
            if lane.callers >= MOST_CALLERS and name not in ALWAYS_ASKED:
                return f"others already wait for {name}"
            if not self._take_token(name, lane, now):
                return f"{name} gets no more than {self._rate(name):g} per second"
            lane.callers += 1
            return ""

    def leave(self, name: str, answer: Answer | None, seconds: float) -> None:
        """A caller's try has ended after so many seconds, with that answer, or with none (then it says nothing)."""
        with self._lock:
            lane = self._lane(name)
            lane.callers -= 1
            if answer is not None:
                self._learn(name, lane, answer, seconds)

    def _why_not(self, name: str, lane: Lane, now: float) -> str:
        if lane.breaker.state != "closed":
            rest = max(lane.breaker.until - now, 0)
            return f"{name} did not answer a moment ago and is left alone for {rest:.0f} s"
        if lane.held_until > now:
            return f"{name} asked not to be called for {lane.held_until - now:.0f} s"
        return ""

    def enter_as_worker(self, name: str) -> bool:
        """Let a worker try now, as the probe when the breaker's rest is over; whoever enters must leave."""
        with self._lock:
            lane, now = self._lane(name), self._clock()
            if self._closed_to_workers(lane, now) or not self._take_token(name, lane, now):
                return False
            if lane.breaker.state == "open":
                lane.breaker.probe()
            lane.workers += 1
            return True

    def leave_as_worker(self, name: str, answer: Answer | None, seconds: float) -> None:
        """A worker has ended its try."""
        with self._lock:
            lane = self._lane(name)
            lane.workers -= 1
            if answer is None:
                lane.breaker.give_back(self._clock())
            else:
                self._learn(name, lane, answer, seconds)

    def rest(self, name: str) -> float:
        """Return the seconds after which a worker may enter, as far as that is known now; 0: nobody can say."""
        with self._lock:
            lane, now = self._lane(name), self._clock()
            until = [lane.held_until, lane.next_token]
            if lane.breaker.state == "open":
                until.append(lane.breaker.until)
            return min(max(*until, now) - now, LONGEST_REST)

    def blocked(self) -> Blocked:
        """Return the lanes that no worker may enter: a view, which answers for the moment in which it is asked."""
        return Blocked(self)

    def well(self, once: Sequence[str]) -> list[str]:
        """Return the lanes whose last try went well and took no longer than SLOW, and those of `once` never tried."""
        with self._lock:
            return [*self._well, *(name for name in once if name not in self._lanes and name not in self._well)]

    def is_blocked(self, name: str) -> bool:
        """Whether no worker may enter the lane now."""
        with self._lock:
            lane = self._lanes.get(name)
            return lane is not None and self._closed_to_workers(lane, self._clock(), name)

    def _closed_to_workers(self, lane: Lane, now: float, name: str = "") -> bool:
        return (
            lane.workers >= self._most_workers
            or lane.breaker.state == "probing"
            or (lane.breaker.state == "open" and not lane.breaker.may_probe(now))
            or lane.held_until > now
            or (bool(name) and self._rate(name) is not None and lane.next_token > now)
        )

    def _take_token(self, name: str, lane: Lane, now: float) -> bool:
        """Take the right to one try; with a rate, tries are spread evenly, after a burst of one second's worth."""
        rate = self._rate(name)
        if rate is None:
            return True
        if lane.next_token > now:
            return False
        burst = max(1.0, rate)
        lane.next_token = max(lane.next_token, now - (burst - 1) / rate) + 1 / rate
        return True

    def _learn(self, name: str, lane: Lane, answer: Answer, seconds: float) -> None:
        if name in ALWAYS_ASKED:
            return
        now = self._clock()
        self._well.pop(name, None)
        if answer.down:
            lane.breaker.ill(now, slowly=seconds >= SLOW)
        else:
            lane.breaker.well()
            if seconds < SLOW:
                self._well[name] = None
                if len(self._well) > MOST_WELL:
                    del self._well[next(iter(self._well))]
        if answer.retry_after is not None and answer.outcome in ("again", "part"):
            lane.held_until = max(lane.held_until, now + answer.retry_after)

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) >= self._most:
                now = self._clock()
                self._lanes = {known: one for known, one in self._lanes.items() if not one.idle(now)}
                self._most = max(MOST_LANES, 2 * len(self._lanes))  # so that looking costs each new lane the same
            lane = self._lanes[name] = Lane()
        return lane


class Blocked:
    """The lanes that no worker may enter now; it costs the same however many there are."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    def __contains__(self, name: object) -> bool:
        return self._lanes.is_blocked(str(name))

    def well(self, once: Sequence[str]) -> list[str]:
        """Return the lanes that were well a moment ago, and those of `once` of which nothing is known."""
        return self._lanes.well(once)

    def rest(self, name: str) -> float:
        """Return for how many seconds it stays blocked; infinity when that is for others to say, who are there now."""
        return self._lanes.rest(name) or math.inf
