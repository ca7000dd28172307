"""Connections that a library makes by itself, at whatever address it comes to: our network rules and deadline hold.

Python tells an audit hook of each connection before it is made (https://peps.python.org/pep-0578/). The hook is set at
the first use, and looks only at threads that asked for it. Names have been looked up by then, as all of them connect to
addresses; a library that connects to a name is refused.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

from misp_workflow.delivery.transports.network.sockets import AddressRefusedError, check_address
from misp_workflow.delivery.transports.network.tries import Try

_EVENTS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
_thread = threading.local()
_lock = threading.Lock()
_hooked = False


@contextmanager
def checked(this: Try | None = None) -> Iterator[list[str]]:
    """Refuse, in this thread, every connection that the rules forbid; the list has the sentences that say why.

    When the time of `this` try is over, its watchdog shuts the connections that were made, and no other one begins.
    """
    global _hooked
    with _lock:
        if not _hooked:
            sys.addaudithook(_look)
            _hooked = True
    refusals: list[str] = []
    _thread.refusals, _thread.this = refusals, this
    try:
        yield refusals
    finally:
        _thread.refusals = _thread.this = None
        if this is not None:
            this.close_foreign()


def _look(event: str, args: tuple[Any, ...], events: Container[str] = _EVENTS) -> None:
    if event not in events:  # which is there to the end, when the interpreter has taken this file's names away
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
    if event == "socket.connect" and _thread.this is not None:
        _thread.this.use_foreign(socket.socket(fileno=socket.dup(args[0].fileno())))
