"""A breaker: whoever is ill is left alone, and asked now and then whether it is well again."""

from __future__ import annotations

from typing import Literal

State = Literal["closed", "open", "probing"]

MOST_FAILURES = 5
"""Failures in a row after which the breaker opens; a slow one opens it at once."""
FIRST_REST = 5.0
LONGEST_REST = 300.0


class Breaker:
    """Closed: all may try. Open: nobody, for a while. Then one probe; it closes the breaker or opens it for longer.

    Times are those of a steady clock, in seconds. Not thread-safe by itself.
    """

    def __init__(self) -> None:
        self.state: State = "closed"
        self.until = 0.0
        self._failures = 0
        self._rest = FIRST_REST

    def may_probe(self, now: float) -> bool:
        """Whether it is open and its rest is over."""
        return self.state == "open" and now >= self.until

    def probe(self) -> None:
        """Somebody tries whether it is well again."""
        self.state = "probing"

    def well(self) -> None:
        """It answered."""
        self.state, self._failures, self._rest = "closed", 0, FIRST_REST

    def ill(self, now: float, *, slowly: bool) -> None:
        """It did not answer, or not sensibly."""
        self._failures += 1
        if self.state == "closed" and self._failures < MOST_FAILURES and not slowly:
            return
        if self.state == "open":  # a try that began before it opened
            return
        self._rest = min(self._rest * 2, LONGEST_REST) if self.state == "probing" else FIRST_REST
        self.state, self.until = "open", now + self._rest

    def give_back(self, now: float) -> None:
        """The probe ended without saying anything about the other side."""
        if self.state == "probing":
            self.state, self.until = "open", now
