"""Connections to a host, maybe through a proxy, and urllib3's pools of them; they obey the deadline of their try."""

from __future__ import annotations

import logging
import socket
import ssl
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_match_hostname import CertificateError

from misp_workflow.delivery.transports.network import trust, tunnels
from misp_workflow.delivery.transports.network.proxies import Proxy
from misp_workflow.delivery.transports.network.sockets import (
    AddressRefusedError,
    check_address,
    check_public,
    connect_problem,
    dialled,
)
from misp_workflow.delivery.transports.network.tries import Try, now


class _QuietWhenOurs(logging.Filter):
    """urllib3 logs the paths of requests, and a webhook's path is its secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(now, "this", None) is None


for _talker in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_talker).addFilter(_QuietWhenOurs())


def connect(host: str, port: int, this: Try, proxy: Proxy | None = None) -> tuple[socket.socket, socket.socket]:
    """Return a socket connected to the host, maybe through a proxy, and a handle on the connection for the watchdog.

    (TLS takes the first one over and leaves an empty shell: only a duplicate still reaches the connection.)
    """
    if proxy is None:
        return dialled(host, port, this, check_public if this.public else check_address)
    return tunnels.connect(proxy, host, port, this)


TOGETHER = 64 * 1024
"""Bytes of a request that are put into one before they are sent; to copy a large body costs more than a packet."""
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux


class _Watched(HTTPConnection):
    """A connection that tells the try of its thread when it is used."""

    _handle: socket.socket | None = None
    _served = 0
    _held: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        this: Try = now.this
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
        return tunnels.forward(this.proxy, self.host, this)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        this: Try = now.this
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
        for part in [b"".join(held)] if sum(map(len, held)) <= TOGETHER else held:
            super().send(part)
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
        this: Try | None = getattr(now, "this", None)
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
            if not now.this.late:
                now.this.problem = f"no TLS connection to {self.host} port {self.port}: {reason}"
            raise


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
