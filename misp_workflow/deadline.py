"""The time that a call has: looked at wherever work goes through data that others made, and kept by a second thread.

with until(time.monotonic() + 4):
    for row in paced(rows):     LateError once the time is over
        ...
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from misp_workflow import standby
from misp_workflow.errors import LateError

EVERY = 256
"""Items between two looks at the clock."""

Item = TypeVar("Item")
Answer = dict[str, Any]

_end: contextvars.ContextVar[float] = contextvars.ContextVar("misp_workflow_deadline", default=math.inf)


@contextmanager
def until(end: float) -> Iterator[None]:
    """Let what is done within end at `end`, a time of `time.monotonic()`, or at an earlier one that holds already."""
    token = _end.set(min(end, _end.get()))
    try:
        yield
    finally:
        _end.reset(token)


def end() -> float:
    """Return when the time is over, infinity when nobody waits."""
    return _end.get()


def look() -> None:
    """Raise LateError when the time is over."""
    if time.monotonic() > _end.get():
        raise LateError("There was no time left.")


def paced(items: Iterable[Item], every: int = EVERY) -> Iterator[Item]:
    """Yield the items, with a look at the clock before the first and after every so many."""
    waiting = iter(items)
    while True:
        look()
        some = list(islice(waiting, every))
        if not some:
            return
        yield from some


class Watch:
    """Lets one thread answer for another that is not done in time: who speaks first has spoken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # For the one who waits, who gets the answer by it. No Event: its condition wakes threads that cannot go on yet.
        self._spoken = threading.Lock()
        self._spoken.acquire()
        self._answer: Answer | None = None

    def say(self, answer: Answer) -> bool:
        """Return whether this is the answer: nobody has given another one before."""
        with self._lock:
            first = self._answer is None
            if first:
                self._answer = answer
        if first:
            self._spoken.release()
        return first

    def answer_of(
        self, work: Callable[[], Answer], seconds: float, otherwise: Answer, note: Callable[[Answer], None] | None
    ) -> Answer:
        """Return what `work` says, done in a thread of its own, or `otherwise` once so many seconds are over.

        `note` hears which it was, in such a thread too: whatever it does delays no answer.
        """
        context = contextvars.copy_context()

        def judge() -> None:
            self.say(context.run(work))
            if note is not None and self._answer is not None and self._answer is not otherwise:
                note(self._answer)

        try:
            standby.do(judge)
        except RuntimeError:  # the system gives no more threads: then this one has to do it
            judge()
        self._spoken.acquire(timeout=max(seconds, 0.0))
        if self.say(otherwise) and note is not None:
            with contextlib.suppress(RuntimeError):  # no more threads: it is not noted
                standby.do(lambda: note(otherwise))
        assert self._answer is not None
        return self._answer
