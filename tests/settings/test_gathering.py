"""When what is gathered goes: seconds, times of the day, days of the week, clocks that are put forward and back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from misp_workflow.errors import SettingsError
from misp_workflow.settings import load
from misp_workflow.settings.gathering import Gathering, read

BERLIN = "Europe/Berlin"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp()


def then(written: str, now: float) -> str:
    """Return when it goes that is gathered from now on, as a clock in Berlin shows it."""
    moment = datetime.fromtimestamp(now + read(written).wait(now, BERLIN), ZoneInfo(BERLIN))
    return moment.strftime("%a %d %H:%M")


@pytest.mark.parametrize(
    ("written", "now", "goes"),
    [
        ("08:00", "2026-11-27T07:59", "Fri 27 08:00"),
        ("08:00", "2026-11-27T08:00", "Sat 28 08:00"),
        ("8:00 Mon-Fri", "2026-11-27T09:00", "Mon 30 08:00"),
        ("Mon 09:30", "2026-11-30T09:30", "Mon 07 09:30"),
        ("08:00 Mon-Fri, Sat 10:00, 17:00", "2026-11-28T09:00", "Sat 28 10:00"),
        ("08:00 mon wed fri", "2026-11-30T09:00", "Wed 02 08:00"),
        ("08:00 Fri - Mon", "2026-12-01T09:00", "Fri 04 08:00"),
        ("02:30", "2026-03-29T01:00", "Sun 29 03:30"),  # is jumped over
        ("02:30", "2026-10-25T01:00", "Sun 25 02:30"),  # is there twice
        ("08:00", "2026-03-28T09:00", "Sun 29 08:00"),  # a day of 23 hours
        ("08:00", "2026-10-24T09:00", "Sun 25 08:00"),  # and one of 25
    ],
)
def test_times_of_the_day(written: str, now: str, goes: str) -> None:
    assert then(written, at(now)) == goes


def test_an_hour_that_is_there_twice_is_one_time() -> None:
    first = at("2026-10-25T01:00") + read("02:30").wait(at("2026-10-25T01:00"), BERLIN)
    assert then("02:30", first) == "Mon 26 02:30"


@pytest.mark.parametrize(
    ("written", "seconds"), [("60", 60), ("10 min", 600), ("2 hours", 7200), ("0", 0), ("1.5", 1.5)]
)
def test_seconds(written: str, seconds: float) -> None:
    assert read(written) == Gathering(seconds)
    assert read(written).wait(1000.0, BERLIN) == seconds
    assert bool(read(written)) == bool(seconds)


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "24:00", "08:60", "08:00 Mon Funday", "08:00 09:00", "08:00 Mon-Fri09:00", "08:00 Sat:"),
        *("Mon-Fri", "08:00,", "99 days", "-5"),
    ],
)
def test_what_is_neither(written: str, tmp_path) -> None:
    with pytest.raises(ValueError):
        read(written)
    path = tmp_path / "settings.toml"
    path.write_text(f'[destinations.chat]\ndigest = "{written}"\n')
    path.chmod(0o600)
    with pytest.raises(
        SettingsError, match=r"line 2: destinations\.chat\.digest must be a number of seconds, an amount"
    ):
        load(path)


def test_a_destination_says_no_or_nothing(tmp_path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[destinations.never]\ndigest = 0\n[destinations.open]\n")
    path.chmod(0o600)
    rules = load(path)
    assert rules.destination("never").digest == Gathering()
    assert rules.destination("open").digest is None
