"""Trials: what actions decide is noted, and nothing is sent, asked, kept or remembered.

    with trial() as noted:
        …                       # let actions decide, in whatever threads
    [parcel.effect.label for parcel in noted]

While one is open, the whole process is dry: a thread that somebody else started must not send what was only tried.
A thread that outlives its trial, and was begun with a copy of its context, stays dry for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.effects import Parcel

Read = Callable[[str], "dict[str, Any] | None"]


@dataclass(frozen=True, eq=False)
class Trial:
    """What is noted in one, and what it is told of an event, by id or uuid, instead of MISP being asked.

    `told` says whether somebody reads what the receipts tell of what would be sent.
    """

    read: Read
    told: bool = True
    noted: list[Parcel] = field(default_factory=list)


_mine: ContextVar[Trial | None] = ContextVar("misp_workflow_trial", default=None)
_open: list[Trial] = []
_lock = threading.Lock()


@contextmanager
def trial(read: Read = lambda reference: None, *, told: bool = True) -> Iterator[list[Parcel]]:
    """Open a trial, and yield the list in which everything that would be done is noted."""
    this = Trial(read, told)
    token = _mine.set(this)
    with _lock:
        _open.append(this)
    try:
        yield this.noted
    finally:
        with _lock:
            _open.remove(this)
        _mine.reset(token)


def current() -> Trial | None:
    """Return the trial under way; None when what is decided is to be done."""
    mine = _mine.get()
    if mine is not None:
        return mine
    with _lock:
        return _open[-1] if _open else None
