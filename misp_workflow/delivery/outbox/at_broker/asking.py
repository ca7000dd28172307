"""How patiently the broker is asked: until a deadline, for ever, or in passing."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from misp_workflow.errors import DeliveryError
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")

BEFORE_ANOTHER_GO = 2.0
MOST_PATIENCE = 60.0
"""Seconds that one who looks or repairs waits for a broker."""

Result = TypeVar("Result")


class Asking:
    """Asks one broker. `troubles` is what its library raises when it cannot be used, `ending` set once we end."""

    def __init__(self, name: str, troubles: tuple[type[Exception], ...], ending: threading.Event) -> None:
        self._name = name
        self._troubles = troubles
        self._ending = ending
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="misp-workflow-outbox")

    def within(self, deadline: float, task: Callable[[], Result]) -> Result:
        """Do something at the broker, for one who waits until the deadline only."""
        asked = self._threads.submit(task)
        try:
            return asked.result(max(deadline - time.monotonic(), 0.05))
        except FutureTimeout:
            asked.cancel()
            raise DeliveryError(f"The outbox at {self._name} did not answer in time.") from None
        except self._troubles as error:
            raise DeliveryError(f"The outbox at {self._name} cannot be used: {_said(error)}.") from None

    def patiently(self, task: Callable[[], Result]) -> Result:
        """Do something at the broker, for one who looks or repairs."""
        return self.within(time.monotonic() + MOST_PATIENCE, task)

    def insist(self, task: Callable[[], Result]) -> Result:
        """Do something at the broker as soon as it can be reached, however long that takes.

        A worker that returned instead would let dramatiq forget the message. When the process ends meanwhile, the
        message was never acknowledged, and another worker gets it. Once we end nothing is asked again, for by then that
        other one has it: the thread only keeps its silence.
        """
        while True:
            try:
                return task()
            except self._troubles as error:
                if not self._ending.is_set():
                    LOG.error("The outbox at %s cannot be used (%s); it is tried again.", self._name, _said(error))
            if self._ending.wait(BEFORE_ANOTHER_GO):
                threading.Event().wait()

    def careful(self, until: float | None, task: Callable[[], None]) -> None:
        """Note something that is only good to know; a caller does not wait for it."""
        if until is not None:
            with contextlib.suppress(RuntimeError):
                self._threads.submit(task)
            return
        with contextlib.suppress(*self._troubles):
            task()

    def close(self) -> None:
        """Begin nothing more for anybody who waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)


_SAID = {
    "non deterministic": "it is an older Redis than version 5",
    "maxmemory": "its memory is full (maxmemory)",
    "MISCONF": "its disk is full, or cannot be written",
    "read only replica": "it is a replica, which takes nothing",
    "AMQPConnectionError": "it cannot be reached",
    "StreamLostError": "the connection broke off",
}
"""What an analyst reads of an error in which these words stand; the others say it well enough."""


def _said(error: Exception) -> str:
    """Return why a broker cannot be used, as the end of a sentence."""
    text = str(error)
    known = (told for words, told in _SAID.items() if words in text or (not text and words == type(error).__name__))
    return next(known, text.rstrip(".") or type(error).__name__)
