"""What a node told of a thing, for the next time: a row of the ledger that only whoever wrote it finds.

A ledger that cannot be used costs a repetition, and no more than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from misp_workflow.errors import WorkflowError
from misp_workflow.printable import logger
from misp_workflow.settings import Settings

LOG = logger("misp_workflow.delivery")

Said = TypeVar("Said")


@dataclass(frozen=True)
class Place:
    """Where it is remembered: the event's uuid, the hash of who told what to whom, the action's name."""

    event: str
    who: str
    action: str


@dataclass(frozen=True)
class Known(Generic[Said]):
    """What was said of it, and when, in seconds since 1970."""

    said: Said
    at: float


def of(rules: Settings, place: Place, read: Callable[[str], Said]) -> Known[Said] | None:
    """Return what is remembered, as `read` understands it; None when nothing is, or when that cannot be read."""
    from misp_workflow.delivery.ledger import WHOLE, ledger_of  # the first call loads it, not the server's start

    try:
        row = ledger_of(rules).items(place.event, f"={place.who}", [WHOLE]).get(WHOLE)
        return Known(read(row.id), row.at) if row is not None and row.id else None
    except WorkflowError as error:
        LOG.warning("What was told before is not known: %s", error)
    except (ValueError, LookupError, TypeError):
        LOG.warning("What was told before is not known: the ledger's row of event %s is damaged.", place.event)
    return None


def keep(rules: Settings, place: Place, said: str) -> None:
    """Remember it, in place of what was remembered there; written in the background."""
    from misp_workflow.delivery.ledger import WHOLE, Sent, ledger_of

    now = time.time()
    row = Sent(
        event=place.event,
        item=WHOLE,  # which stands in no list of what went where
        destination=f"={place.who}",
        action=place.action,
        id=said,
        first=now,
        at=now,
    )
    try:
        ledger_of(rules).note([row])
    except WorkflowError as error:
        LOG.warning("What was told is not remembered: %s", error)
