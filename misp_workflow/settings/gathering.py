"""When messages that are gathered go out: after so many seconds, or at times of the day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from misp_workflow import local_time
from misp_workflow.settings.amounts import SECONDS, amount

LONGEST = 31 * 86_400.0
"""Seconds."""
MOST_TIMES = 24
WHAT = (
    'a number of seconds, an amount such as "10 min" (31 days at most), '
    'or times of the day such as "08:00 Mon-Fri, Sat 10:00"'
)

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True)
class Gathering:
    """After `seconds`, or at `times`, each on some days of the week (0: Monday); neither: nothing is gathered."""

    seconds: float = 0.0
    times: tuple[tuple[time, frozenset[int]], ...] = ()
    written: str = ""

    def __bool__(self) -> bool:
        return bool(self.seconds or self.times)

    def __str__(self) -> str:
        return f"until {self.written}" if self.times else f"for {self.seconds:g} s"

    def wait(self, now: float, zone: str) -> float:
        """Return the seconds from now (since 1970) until what is gathered goes; times are local in the named zone."""
        if not self.times:
            return self.seconds
        return min(moment for moment in self._moments(now, local_time.zone(zone)) if moment > now) - now

    def _moments(self, now: float, zone: tzinfo) -> Iterator[float]:
        """Yield the times of a week and more, each once; one that clocks jump over in spring comes an hour later."""
        today = datetime.fromtimestamp(now, zone).date()
        for day in (today + timedelta(days=ahead) for ahead in range(9)):
            for clock, days in self.times:
                if day.weekday() in days:
                    yield datetime.combine(day, clock, tzinfo=zone).timestamp()


def read(text: str) -> Gathering:
    """Return what a text says: "60", "10 min", "08:00 Mon-Fri, Sat 10:00"; ValueError when it is neither."""
    written = " ".join(text.split())
    if ":" in written:
        parts = written.split(",")
        if len(parts) > MOST_TIMES:
            raise ValueError(f"more than {MOST_TIMES} times")
        return Gathering(times=tuple(_moment(part) for part in parts), written=written)
    seconds = amount(written, SECONDS)
    seconds = amount(f"{written} s", SECONDS) if seconds is None else seconds
    if seconds is None or seconds > LONGEST:
        raise ValueError("neither seconds nor a time")
    return Gathering(seconds=seconds)


def _moment(part: str) -> tuple[time, frozenset[int]]:
    words = re.sub(r"\s*-\s*", "-", part).split()
    clocks = [found for found in map(_TIME.fullmatch, words) if found]
    if len(clocks) != 1:
        raise ValueError("not one time")
    days = [local_time.weekdays(word) for word in words if not _TIME.fullmatch(word)]
    hour, minute, second = (int(number or 0) for number in clocks[0].groups())
    return time(hour, minute, second), frozenset().union(*days) if days else EVERY_DAY
