"""Connections that cannot outlive their deadline.

A socket's own time-out counts from byte to byte: a server that drips one a second is never late. So one watchdog thread
shuts the connection when its try's time is over, wherever it is (connecting, TLS, sending, reading), and the try then
finds its flag `late` set. Looking up a name cannot be interrupted at all: it happens in a thread of its own, which the
try stops waiting for. Every address is checked here, after the look-up and before the first byte: whatever the URL
looked like, and wherever a redirect pointed.
"""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_match_hostname import CertificateError

from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.transports import trust
from misp_workflow.delivery.transports.names import LookupTimeoutError, resolve
from misp_workflow.delivery.transports.proxies import Proxy


class Try:
    """One try: its deadline, the connection that it uses now, and how it went wrong."""

    def __init__(self, deadline: float, wish: str = "") -> None:
        self.deadline = deadline
        self.wish = wish  # which way the settings want; see `proxies.way`
        self.proxy: Proxy | None = None  # for the request that is under way
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
            self._orphan = self._handle is handle
            return self._orphan

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
_now = threading.local()


@contextlib.contextmanager
def trying(deadline: float, wish: str = "") -> Iterator[Try]:
    """Run one try in this thread: every connection of this file that it opens or uses obeys the deadline.

    `wish` is what the settings say of the way there, see `proxies.wish`.
    """
    this = Try(deadline, wish)
    _now.this = this
    _watchdog.watch(this)
    try:
        yield this
    finally:
        this.end()
        _watchdog.forget(this)
        _now.this = None


class _QuietWhenOurs(logging.Filter):
    """urllib3 logs the paths of requests, and a webhook's path is its secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(_now, "this", None) is None


for _talker in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_talker).addFilter(_QuietWhenOurs())


# --- connections ------------------------------------------------------------------------------------------------------


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


def connect(host: str, port: int, this: Try, proxy: Proxy | None = None) -> tuple[socket.socket, socket.socket]:
    """Return a socket connected to the host, maybe through a proxy, and a handle on the connection for the watchdog.

    (TLS takes the first one over and leaves an empty shell: only a duplicate still reaches the connection.)
    """
    if proxy is None:
        return dialled(host, port, this, check_address)
    from misp_workflow.delivery.transports import tunnels

    return tunnels.connect(proxy, host, port, this)


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


QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux


class _Watched(HTTPConnection):
    """A connection that tells the try of its thread when it is used."""

    _handle: socket.socket | None = None
    _served = 0
    _held: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        this: Try = _now.this
        this.reused = False
        host: str = self._dns_host  # with the trailing dot that a look-up needs
        try:
            sock, self._handle = self._called(host, this)
        except OSError as error:
            this.problem = connect_problem(error, self.host, self.port)
            this.final = isinstance(error, AddressRefusedError)
            raise NewConnectionError(self, this.problem) from error
        return sock

    def _called(self, host: str, this: Try) -> tuple[socket.socket, socket.socket]:
        """Connect, or have the proxy of this try do so; web pages without TLS it asks for itself."""
        if this.proxy is None or this.proxy.scheme == "socks5" or isinstance(self, HTTPSConnection):
            return connect(host, self.port, this, this.proxy)
        from misp_workflow.delivery.transports import tunnels

        return tunnels.forward(this.proxy, self.host, this)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        this: Try = _now.this
        if this.proxy is not None:
            url = self._for_proxy(this.proxy, url, kwargs)
        if self._handle is not None:
            this.reused = self._served > 0
            this.use(self._handle)
        self._served += 1
        held: list[bytes] = []
        self._held = held
        try:
            super().request(method, url, *args, **kwargs)
        finally:
            self._held = None
        super().send(b"".join(held))
        if QUICK_ACK is not None and self._handle is not None:
            # Many servers write head and body of an answer separately, and their system holds the second back until
            # ours has acknowledged the first, which it puts off by 40 ms on a connection that is kept.
            self._handle.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def _for_proxy(self, proxy: Proxy, url: str, more: dict[str, Any]) -> str:
        """Return what a proxy is asked for that forwards single requests (RFC 9112, section 3.2.2)."""
        if proxy.scheme == "socks5" or isinstance(self, HTTPSConnection):
            return url
        if proxy.authorization:
            more["headers"] = {**(more.get("headers") or {}), "Proxy-Authorization": proxy.authorization}
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{url}"

    def send(self, data: Any) -> None:
        """Send, or hold back while the request is written: head and body leave together, in one packet if small."""
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def close(self) -> None:
        handle, self._handle, self._served = self._handle, None, 0
        super().close()
        this: Try | None = getattr(_now, "this", None)
        if handle is not None and not (this is not None and this.adopt(handle)):
            handle.close()


class _WatchedTLS(_Watched, HTTPSConnection):
    def connect(self) -> None:
        if self.cert_reqs == "CERT_REQUIRED" and not (self.ca_certs or self.ca_cert_dir):
            # With a certificate of ours not the shared one: urllib3 puts the certificate into it, for all to show.
            self.ssl_context = trust.context() if self.cert_file else trust.shared()
        try:
            super().connect()
        except (ssl.SSLError, CertificateError) as error:
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
            if not _now.this.late:
                _now.this.problem = f"no TLS connection to {self.host} port {self.port}: {reason}"
            raise


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


class Pool(HTTPConnectionPool):
    """Connections to one host over plain HTTP."""

    ConnectionCls = _Watched


class TLSPool(HTTPSConnectionPool):
    """Connections to one host over TLS."""

    ConnectionCls = _WatchedTLS

    def _validate_conn(self, conn: Any) -> None:
        # Not the inherited one: it warns at each request that the operator switched verification off.
        if conn.sock is None:
            conn.connect()
