"""Times: read from what MISP writes, told as people want them, in the zone of the place where the text goes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

from misp_workflow import local_time
from misp_workflow.errors import TemplateError
from misp_workflow.template.limits import current
from misp_workflow.template.values import text

_DIRECTIVES = re.compile(r"%[aAbBdHIjmMpSuUVyYzZFTGD%-]|[^%]")
_A_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE_STEPS = 20
"""What it costs to look up a zone that is not known yet, in steps."""
UNITS = (("year", 31_556_952), ("month", 2_629_746), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def date(value: Any, pattern: str = "%Y-%m-%d %H:%M %Z", zone: str = "") -> str:
    """Return a time as text. `value` is as MISP writes it: seconds since 1970, "2024-01-31", ISO 8601 (else it is UTC).

    It is told in `zone` ("Europe/Berlin"), by default that of the settings, else UTC. A day without a time stays that
    day everywhere. What is no time gives "".
    """
    pattern = text(pattern)
    if len(pattern) > 100 or "".join(_DIRECTIVES.findall(pattern)) != pattern:
        raise TemplateError(
            f"'{pattern[:40]}' is no date format: it takes up to 100 characters and %Y %m %d %H %M and such"
        )
    told_in, moment = _zone(text(zone)), _moment(value)
    return moment(told_in).strftime(pattern) if moment else ""


def ago(value: Any, now: Any = None) -> str:
    """Return how long a time is over, in its largest unit: "3 hours ago", "in 2 days", "just now"; "" for no time.

    `now` is another time to reckon from.
    """
    then, until = _moment(value), _moment(_now() if now is None else now)
    if not then or not until:
        return ""
    utc = datetime.timezone.utc
    seconds = (until(utc) - then(utc)).total_seconds()
    for unit, length in UNITS:
        count = int(abs(seconds) // length)
        if count:
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


def now() -> str:
    """Return the time that it is, as ISO 8601 in the zone of the settings: `now()|date`."""
    return _now().isoformat(timespec="seconds")


def _now() -> datetime.datetime:
    return datetime.datetime.now(local_time.here())


def _zone(name: str) -> datetime.tzinfo:
    if not name:
        return local_time.here()
    current().spend(_ZONE_STEPS)
    try:
        return local_time.zone(name)
    except ValueError:
        raise TemplateError(f"'{name[:40]}' is no time zone such as {local_time.EXAMPLE}") from None


def _moment(value: Any) -> Callable[[datetime.tzinfo], datetime.datetime] | None:
    """Return the moment as a function of the zone to tell it in, None when the value is no time."""
    if isinstance(value, datetime.datetime):
        return _told(value)
    if isinstance(value, datetime.date):
        return _day(value)
    written = text(value).strip()[:64]
    try:
        if re.fullmatch(r"-?\d{1,12}(?:\.\d+)?", written):
            return _told(datetime.datetime.fromtimestamp(float(written), tz=datetime.timezone.utc))
        if _A_DAY.fullmatch(written):
            return _day(datetime.date.fromisoformat(written))
        return _told(datetime.datetime.fromisoformat(written.replace("Z", "+00:00")))
    except (ValueError, OverflowError, OSError):
        return None


def _told(moment: datetime.datetime) -> Callable[[datetime.tzinfo], datetime.datetime]:
    known = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)

    def tell(zone: datetime.tzinfo) -> datetime.datetime:
        try:
            return known.astimezone(zone)
        except OverflowError:  # the first and the last day that a calendar has
            return known

    return tell


def _day(day: datetime.date) -> Callable[[datetime.tzinfo], datetime.datetime]:
    return lambda zone: datetime.datetime(day.year, day.month, day.day, tzinfo=zone)
