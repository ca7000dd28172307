"""Threads that do one piece of work after another: to start one takes longer than an ordinary call's work."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

IDLE = 1.0
"""Seconds without work after which a thread ends."""

Work = Callable[[], None]
Given = SimpleQueue[Work]

_idle: deque[Given] = deque()
"""Those that have nothing to do, by what they wait for; the last one to have had some comes first."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # a copied process has none of these threads


def do(work: Work) -> None:
    """Have the work done by another thread, now; RuntimeError when the system gives no more of them."""
    try:
        given = _idle.pop()
    except IndexError:
        given = SimpleQueue()
        threading.Thread(target=_work, args=(given,), name="judging", daemon=True).start()
    given.put(work)


def _work(given: Given) -> None:
    while True:
        try:
            work = given.get(timeout=IDLE)
        except Empty:
            try:
                _idle.remove(given)
            except ValueError:  # somebody took it in this moment, and gives it something
                continue
            return
        work()
        del work  # whatever it holds is not held until the next one comes
        _idle.append(given)
