"""Lists for devices: carries out a `FileUpdate` on this machine's disk. See `delivery/lists`."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter

from misp_workflow import settings
from misp_workflow.delivery.lists import Told, shelf_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import FileUpdate
from misp_workflow.errors import DeliveryError

AT_ONCE = 2_000
"""Values that are listed while MISP waits: some half a second of work."""
LONGEST_WAIT = 5.0
"""Seconds that one process waits for another one's change of the list."""


def send(update: FileUpdate, key: str, deadline: float) -> Answer:
    """Change the list and publish it; what a limit keeps out is told and counted, a full list is a refusal."""
    rules, left = settings.current(), deadline - time.monotonic()
    if len(update.put) > AT_ONCE and left <= rules.answer_within:  # somebody waits; workers have more time
        return Answer(outcome="again", detail=f"{len(update.put):,} values are listed in the background", more=True)
    patience = min(max(left, 0.1), LONGEST_WAIT)
    shelf = shelf_of(rules, update.destination, patience)
    try:
        told = shelf.take(update)
    except DeliveryError as error:
        return Answer(outcome="again", detail=str(error))
    except sqlite3.Error as error:
        return Answer(outcome="again", detail=f"the list {shelf.name} cannot be changed right now: {error}")
    except OSError as error:
        detail = f"the list {shelf.name} cannot be written to {shelf.path}: {error.strerror or error}"
        return Answer(outcome="again", detail=detail)
    if told.full:
        full = f"the list {shelf.name} is full ({_entries(shelf.rules.most)}): {told.full} found no room"
        return Answer(outcome="refused", detail=f"{full}; {_told(told)}")
    return Answer(outcome="delivered", detail=f"{_told(told)}; {shelf.path.name} has {_entries(told.stands)}")


def _told(told: Told) -> str:
    parts = [f"{told.added} added", f"{told.withdrawn} withdrawn"]
    if told.dropped:
        parts.append(f"{told.dropped} of the oldest dropped for want of room")
    if told.stale:
        parts.append(f"{told.stale} left as a later call said")
    if told.left:
        why = Counter(told.left.values())
        first = {reason: value for value, reason in reversed(told.left.items())}
        named = "; ".join(f"{first[reason]} {reason}{_and_more(number)}" for reason, number in why.most_common(3))
        parts.append(f"{len(told.left)} left out ({named}{'; …' if len(why) > 3 else ''})")
    return ", ".join(parts)


def _and_more(number: int) -> str:
    return f", and {number - 1} more" if number > 1 else ""


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number:,} entries"
