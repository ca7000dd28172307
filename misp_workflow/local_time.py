"""The time zone in which times are told: UTC, or what the settings say of the place that something goes to."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST_NAME = 64
EXAMPLE = "Europe/Berlin"

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS = re.compile(rf"({'|'.join(DAYS)})(?:\s*-\s*({'|'.join(DAYS)}))?", re.IGNORECASE)

_zone: ContextVar[datetime.tzinfo] = ContextVar("misp_workflow_time_zone", default=datetime.timezone.utc)


def here() -> datetime.tzinfo:
    """Return the zone of whatever is being written in this thread."""
    return _zone.get()


@lru_cache(maxsize=256)
def zone(name: str) -> datetime.tzinfo:
    """Return the zone of this name in the time zone database ("Europe/Berlin"); ValueError when there is none."""
    if name in ("", "UTC"):
        return datetime.timezone.utc
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError("too long for the name of a time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:  # a folder of zones is an OSError
        raise ValueError(f"no time zone is called {name}") from error


@contextlib.contextmanager
def told_in(name: str) -> Iterator[None]:
    """Tell times in the zone of this name until the block ends; "" leaves it as it is."""
    if not name:
        yield
        return
    before = _zone.set(zone(name))
    try:
        yield
    finally:
        _zone.reset(before)


def weekdays(text: str) -> frozenset[int]:
    """Return the days of "Mon" or "Fri-Mon", from 0 for Monday; ValueError when it is neither."""
    found = _DAYS.fullmatch(text.strip())
    if not found:
        raise ValueError("no day or range of days")
    first, last = (DAYS.index((day or found[1]).lower()) for day in found.groups())
    return frozenset(day % 7 for day in range(first, (last if last >= first else last + 7) + 1))
