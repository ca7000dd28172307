"""Trials: what actions decide is noted, and nothing is sent, asked, kept or remembered.

    with trial() as noted:
        …                       # let actions decide, in whatever threads
    [parcel.effect.label for parcel in noted]

While one is open, the whole process is dry: a thread that somebody else started must not send what was only tried.
A thread that outlives its trial, and was begun with a copy of its context, stays dry for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from misp_workflow.effects import Parcel

_mine: ContextVar[list[Parcel] | None] = ContextVar("misp_workflow_trial", default=None)
_open: list[list[Parcel]] = []
_lock = threading.Lock()


@contextmanager
def trial() -> Iterator[list[Parcel]]:
    """Open a trial, and yield the list in which everything that would be done is noted."""
    noted: list[Parcel] = []
    token = _mine.set(noted)
    with _lock:
        _open.append(noted)
    try:
        yield noted
    finally:
        with _lock:
            _open[:] = [one for one in _open if one is not noted]
        _mine.reset(token)


def noting() -> list[Parcel] | None:
    """Return where to note what would be done; None when it is to be done."""
    mine = _mine.get()
    if mine is not None:
        return mine
    with _lock:
        return _open[-1] if _open else None
