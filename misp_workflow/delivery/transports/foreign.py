"""Connections that a library makes by itself, at whatever address it comes to: the same network rules hold for them.

Python tells an audit hook of each connection before it is made (https://peps.python.org/pep-0578/). The hook is set at
the first use, and looks only at threads that asked for it. Names have been looked up by then, as all of them connect to
addresses; a library that connects to a name is refused.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from misp_workflow.delivery.transports.sockets import AddressRefusedError, check_address

_EVENTS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
_thread = threading.local()
_lock = threading.Lock()
_hooked = False


@contextmanager
def checked() -> Iterator[list[str]]:
    """Refuse, in this thread, every connection that the rules forbid; the list has the sentences that say why."""
    global _hooked
    with _lock:
        if not _hooked:
            sys.addaudithook(_look)
            _hooked = True
    refusals: list[str] = []
    _thread.refusals = refusals
    try:
        yield refusals
    finally:
        _thread.refusals = None


def _look(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    refusals: list[str] | None = getattr(_thread, "refusals", None)
    address = args[1]
    if refusals is None or not isinstance(address, tuple):  # a path on this machine is no network
        return
    try:
        check_address(str(address[0]))
    except AddressRefusedError as error:
        refusals.append(str(error))
        raise
