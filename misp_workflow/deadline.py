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


class WouldWaitError(BaseException):
    """A call in nobody's sight came to something that may wait. Nobody handles it but whoever begins the call again."""


def may_wait() -> None:
    """Say that what comes now may take longer than the call has time: it waits for a disk or another machine, say.

    Nothing must have happened by then that happens twice when the call is begun again: WouldWaitError begins it again
    where somebody watches it.
    """
    watch = _watch.get()
    if watch is not None:
        watch.waits = True
        if watch.alone:
            raise WouldWaitError


def is_alone() -> bool:
    """Whether this is a call that nobody watches."""
    watch = _watch.get()
    return watch is not None and watch.alone


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
    """Lets one thread answer for another that is not done in time: who speaks first has spoken.

    `waits` tells whether the work came to something that may wait, `alone` whether nobody watches it.
    """

    def __init__(self) -> None:
        self.waits = self.alone = False
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

    def alone_with(self, work: Callable[[], Answer]) -> Answer | None:
        """Return what `work` says, done by this very thread; None when that may wait: then nothing has happened yet."""
        self.alone = True
        try:
            return self._doing(work)
        except WouldWaitError:
            return None
        finally:
            self.alone = False

    def _doing(self, work: Callable[[], Answer]) -> Answer:
        token = _watch.set(self)
        try:
            return work()
        finally:
            _watch.reset(token)

    def answer_of(
        self, work: Callable[[], Answer], seconds: float, otherwise: Answer, note: Callable[[Answer], None] | None
    ) -> Answer:
        """Return what `work` says, done in a thread of its own, or `otherwise` once so many seconds are over.

        `note` hears which it was, in such a thread too: whatever it does delays no answer.
        """
        context = contextvars.copy_context()

        def judge() -> None:
            self.say(context.run(self._doing, work))
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


_watch: contextvars.ContextVar[Watch | None] = contextvars.ContextVar("misp_workflow_watch", default=None)
