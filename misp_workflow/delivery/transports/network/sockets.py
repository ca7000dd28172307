"""Sockets to a host, each address checked.

Looking up a name cannot be interrupted at all: it happens in a thread of its own, which the try stops waiting for.
Every address is checked here, after the look-up and before the first byte: whatever the URL looked like, and wherever
a redirect pointed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.transports.network.names import LookupTimeoutError, resolve
from misp_workflow.delivery.transports.network.tries import Try
from misp_workflow.settings import Networks


class AddressRefusedError(OSError):
    """The address may not be spoken to; the text says why."""


class ProxyError(OSError):
    """The proxy does not connect us; the text says which proxy and why."""


def check_address(address: str) -> None:
    """Raise AddressRefusedError when the settings, or prudence, forbid to speak to this IP address.

    The one place through which every connection goes, after its name was resolved.
    """
    refusal = connection_refusal(address)
    if refusal:
        raise AddressRefusedError(refusal)


def check_public(address: str) -> None:
    """Check an address that nobody here chose: also none of one's own networks, whatever the settings allow."""
    check_address(address)
    if connection_refusal(address, Networks(deny=("loopback", "private"))):
        raise AddressRefusedError(f"connections to {address} are not allowed: an answer points there, not the settings")


def dialled(
    host: str,
    port: int,
    this: Try,
    check: Callable[[str], None],
    call: Callable[[Any, Any], None] = socket.socket.connect,
    kind: type[socket.socket] = socket.socket,
) -> tuple[socket.socket, socket.socket]:
    """Return what `connect` does, for the first of the host's addresses that answers; each is checked before."""
    failure: OSError = OSError("no address")
    for family, sort, protocol, _, target in resolve(host, port, this.deadline):
        check(str(target[0]))
        sock = kind(family, sort, protocol)
        handle = sock.dup()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(this.left())
            if kind is not socket.socket:  # it says more than hello, for which it may take a time-out each
                this.use(handle)
            call(sock, target)
            sock.settimeout(None)  # from here on the watchdog ends what takes too long
            this.use(handle)
        except OSError as error:
            sock.close()
            handle.close()
            failure = error
        else:
            return sock, handle
    raise failure


def connect_problem(error: OSError, host: str, port: int) -> str:
    """Return the sentence that says why no connection came about."""
    if isinstance(error, (AddressRefusedError, ProxyError)):
        return str(error)
    if isinstance(error, LookupTimeoutError):
        return f"the address of {host} could not be looked up in time"
    if isinstance(error, socket.gaierror):
        return f"the name {host} is unknown here"
    if isinstance(error, TimeoutError):
        return f"no connection to {host} port {port} came about in time"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {host} port {port}"
    return f"{host} port {port} cannot be reached ({error.strerror or error})"
