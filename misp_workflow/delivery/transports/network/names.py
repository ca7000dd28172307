"""Looking up names. That cannot be interrupted: each name has a thread of its own, which whoever waits leaves behind.

A name server that is silent must cost only those whose names it has to say: no name takes more than one thread, and a
name that was found before is known for a while, so that a destination that worked a moment ago goes on working.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]

MOST_AT_ONCE = 512
"""Names that are looked up at the same time; each is a thread that does nothing but wait."""
KNOWN_FOR = 3600.0
"""Seconds for which addresses that were found stand in for a name server that does not answer."""
MOST_KNOWN = 4096
PATIENCE = 1.0
"""Seconds that a name whose addresses are known is waited for."""

_running: dict[tuple[str, int], Future[list[Address]]] = {}
_known: dict[tuple[str, int], tuple[float, list[Address]]] = {}
_lock = threading.Lock()


class LookupTimeoutError(OSError):
    """A name could not be looked up in time."""


def resolve(host: str, port: int, deadline: float) -> list[Address]:
    """Return the addresses of a host; OSError when there are none, LookupTimeoutError when it takes too long.

    Tries for one name share one look-up. Where the name server is silent, what it said before holds for a while.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return _getaddrinfo(host, port)
    known = _known.get((host, port))
    before = known[1] if known is not None and time.monotonic() - known[0] < KNOWN_FOR else []
    left = max(deadline - time.monotonic(), 0)
    try:
        return _asked(host, port).result(min(left, PATIENCE) if before else left)
    except FutureTimeout as error:
        if before:
            return before
        raise LookupTimeoutError from error
    except socket.gaierror as error:
        if before and error.errno == socket.EAI_AGAIN:  # no answer; that there is no such name is one
            return before
        raise


def _asked(host: str, port: int) -> Future[list[Address]]:
    """Return the look-up of this name that is under way, a new one when there is none."""
    with _lock:
        future = _running.get((host, port))
        if future is not None:
            return future
        future = Future()
        if len(_running) >= MOST_AT_ONCE:
            return future  # which nobody works on: the waiting ends it
        _running[host, port] = future
        try:
            threading.Thread(target=_look_up, args=(host, port, future), name="misp-workflow-dns", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            del _running[host, port]
        return future


def _look_up(host: str, port: int, future: Future[list[Address]]) -> None:
    found: list[Address] = []
    failure: BaseException | None = None
    try:
        found = _getaddrinfo(host, port)
    except BaseException as error:  # whatever it is belongs to those who wait
        failure = error
    with _lock:
        del _running[host, port]
        if failure is None:
            if len(_known) >= MOST_KNOWN:
                _known.clear()
            _known[host, port] = (time.monotonic(), found)
    if failure is None:
        future.set_result(found)
    else:
        future.set_exception(failure)


def _getaddrinfo(host: str, port: int) -> list[Address]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
