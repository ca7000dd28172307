"""Tries that cannot outlive their deadline.

A socket's own time-out counts from byte to byte: a server that drips one a second is never late. So one watchdog thread
shuts the connection when its try's time is over, wherever it is (connecting, TLS, sending, reading), and the try then
finds its flag `late` set.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator

from misp_workflow.delivery.transports.network.proxies import Proxy


class Try:
    """One try: its deadline, the connection that it uses now, and how it went wrong."""

    def __init__(self, deadline: float, wish: str = "") -> None:
        self.deadline = deadline
        self.wish = wish  # which way the settings want; see `proxies.way`
        self.proxy: Proxy | None = None  # for the request that is under way
        self.public = False  # whether the request goes where an answer points, which must be on the Internet
        self.asked = time.monotonic()  # when the request that is under way began
        self.late = False
        self.reused = False
        self.problem = ""  # one sentence, when no connection came about
        self.final = False  # whether that problem will not pass
        self._handle: socket.socket | None = None
        self._orphan = False
        self._foreign: list[socket.socket] = []  # handles on connections that a library made
        self._lock = threading.Lock()

    def use(self, handle: socket.socket) -> None:
        """Name the connection that this try uses from now on; shut it at once when it is too late already."""
        self.end()
        with self._lock:
            self._handle = handle
            if self.late:
                _shut(handle)

    def adopt(self, handle: socket.socket) -> bool:
        """Keep a handle whose connection closes, when it is the one in use; close it at the end.

        (At "Connection: close" the connection is closed as soon as the head is read, while the body still comes.)
        """
        with self._lock:
            mine = self._handle is handle
            self._orphan = self._orphan or mine  # another that closes meanwhile changes nothing for the one in use
            return mine

    def use_foreign(self, handle: socket.socket) -> None:
        """Name a connection that a library makes in this try, beside others; TimeoutError when it is too late."""
        with self._lock:
            if not self.late:
                self._foreign.append(handle)
                return
        handle.close()
        raise TimeoutError("it is too late for another connection")

    def close_foreign(self) -> None:
        """Let go of the connections of a library that has come back."""
        with self._lock:
            foreign, self._foreign = self._foreign, []
        for handle in foreign:
            handle.close()

    def end(self) -> None:
        """Let go of the connection: it may serve another try now."""
        with self._lock:
            if self._orphan and self._handle is not None:
                self._handle.close()
            self._handle, self._orphan = None, False

    def expire(self) -> None:
        """Called by the watchdog when the deadline has come."""
        with self._lock:
            self.late = True
            for handle in (self._handle, *self._foreign):
                if handle is not None:
                    _shut(handle)

    def left(self) -> float:
        """Return the seconds left, at least a millisecond (a socket takes 0 for "do not block")."""
        return max(self.deadline - time.monotonic(), 0.001)


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """One daemon thread that expires tries; it starts with the first one.

    A try that ended in time leaves it alone: the thread sleeps until the earliest deadline that it knew when it last
    looked, so that it wakes about once a deadline's length, however many tries there are.
    """

    def __init__(self) -> None:
        self._tries: set[Try] = set()
        self._changed = threading.Condition()
        self._looks = math.inf  # when the thread looks next
        self._thread: threading.Thread | None = None

    def watch(self, this: Try) -> None:
        """Expire `this` at its deadline, unless it is forgotten by then."""
        with self._changed:
            self._tries.add(this)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="misp-workflow-watchdog", daemon=True)
                self._thread.start()
            elif this.deadline < self._looks:
                self._changed.notify()

    def forget(self, this: Try) -> None:
        """Leave alone a try that is over."""
        with self._changed:
            self._tries.discard(this)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (late := [this for this in self._tries if this.deadline <= time.monotonic()]):
                    self._looks = min((this.deadline for this in self._tries), default=math.inf)
                    self._changed.wait(self._looks - time.monotonic() if self._tries else None)
                self._tries.difference_update(late)
            for this in late:
                this.expire()


_watchdog = Watchdog()
now = threading.local()
"""`now.this` is the try of this thread, None when there is none."""


@contextlib.contextmanager
def trying(deadline: float, wish: str = "") -> Iterator[Try]:
    """Run one try in this thread: every connection of `connections` that it opens or uses obeys the deadline.

    `wish` is what the settings say of the way there, see `proxies.wish`.
    """
    this = Try(deadline, wish)
    now.this = this
    _watchdog.watch(this)
    try:
        yield this
    finally:
        this.end()
        _watchdog.forget(this)
        now.this = None
