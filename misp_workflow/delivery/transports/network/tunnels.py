"""Connections through a proxy: HTTP CONNECT (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928), over TLS where it is said.

Names are looked up by the proxy. So what can be judged here is judged: literal addresses in any spelling, and names
that mean this machine or a metadata service wherever they are asked for.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import ssl
import threading

from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.guard.networks import METADATA_NAMES, read_address
from misp_workflow.delivery.retry import http_phrase
from misp_workflow.delivery.transports.network import trust
from misp_workflow.delivery.transports.network.proxies import Proxy
from misp_workflow.delivery.transports.network.sockets import AddressRefusedError, ProxyError, connect_problem, dialled
from misp_workflow.delivery.transports.network.tries import Try
from misp_workflow.settings import Networks

Connected = tuple[socket.socket, socket.socket]
"""The socket to speak on, and the watchdog's handle on the connection."""

MAX_HEAD = 16 * 1024
"""Bytes of a proxy's answer to CONNECT."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_PIECE = 64 * 1024


def refusal(host: str) -> str:
    """Return "" when a proxy may be asked for this host, otherwise the sentence that says why not."""
    name = host.lower().rstrip(".")
    if name in METADATA_NAMES:
        return f"connections to {name} are not allowed: it is a cloud provider's metadata service"
    if name == "localhost" or name.endswith(".localhost"):
        return connection_refusal("127.0.0.1")
    return connection_refusal(name) if read_address(name) is not None else ""


def connect(proxy: Proxy, host: str, port: int, this: Try) -> Connected:
    """Return a socket on which host and port are spoken to, as `connections.connect` does.

    Raises AddressRefusedError when the proxy may not be asked for them, ProxyError when it does not connect us.
    """
    _refuse(host)
    if proxy.scheme == "socks5":
        return _over_socks(proxy, host, port, this)
    sock, handle = to_proxy(proxy, this)
    try:
        _ask_for(sock, proxy, host, port)
        return (_plain(sock) if isinstance(sock, ssl.SSLSocket) else sock), handle
    except BaseException:
        sock.close()
        handle.close()
        raise


def forward(proxy: Proxy, host: str, this: Try) -> Connected:
    """Return a connection to the proxy itself, which is told with each request that it is for this host."""
    _refuse(host)
    return to_proxy(proxy, this)


def _refuse(host: str) -> None:
    if why := refusal(host):
        raise AddressRefusedError(why)


def to_proxy(proxy: Proxy, this: Try) -> Connected:
    """Return a connection to the proxy, encrypted when its address says https."""
    try:
        sock, handle = dialled(proxy.host, proxy.port, this, _check_proxy)
    except AddressRefusedError:
        raise
    except OSError as error:
        raise ProxyError(f"the proxy: {connect_problem(error, proxy.host, proxy.port)}") from None
    if proxy.scheme != "https":
        return sock, handle
    try:
        context = trust.context(proxy.ca_file)
        context.check_hostname = True
        return context.wrap_socket(sock, server_hostname=proxy.host), handle
    except OSError as error:  # ssl.SSLError is one
        sock.close()
        handle.close()
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror or str(error)
        raise ProxyError(f"no TLS connection to the proxy {proxy.shown}: {reason}") from None


def _check_proxy(address: str) -> None:
    """Check it by what is never allowed only: the proxy is named in the settings themselves."""
    if why := connection_refusal(address, Networks()):
        raise AddressRefusedError(why)


def _over_socks(proxy: Proxy, host: str, port: int, this: Try) -> Connected:
    try:
        import socks
    except ImportError:
        raise ProxyError("PySocks is not installed: pip install 'misp-workflow-actions[socks]'") from None

    def call(sock: socks.socksocket, target: tuple[str, int]) -> None:
        sock.set_proxy(socks.SOCKS5, *target[:2], True, proxy.username or None, proxy.password or None)
        sock.connect((host, port))

    try:
        return dialled(proxy.host, proxy.port, this, _check_proxy, call, socks.socksocket)
    except socks.ProxyConnectionError:
        raise ProxyError(f"the proxy {proxy.shown} cannot be reached") from None
    except socks.ProxyError as error:
        what = f"does not connect to {host} port {port}: {error.msg}"
        raise ProxyError(f"the proxy {proxy.shown} {what}") from None
    except AddressRefusedError:
        raise
    except OSError as error:
        raise ProxyError(f"the proxy: {connect_problem(error, proxy.host, proxy.port)}") from None


def _ask_for(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    status = _STATUS.match(_head(sock, proxy))
    if status is None:
        raise ProxyError(f"the proxy {proxy.shown} answers something that is not HTTP; check 'proxy' in the settings")
    code = int(status[1])
    if not 200 <= code < 300:
        raise ProxyError(refused(proxy, target, code))


def refused(proxy: Proxy, target: str, code: int) -> str:
    """Return the sentence for a proxy's no."""
    advice = {
        403: "; it does not allow that address or port",
        407: "; check the user name and the password in 'proxy'",
        502: "; it does not reach it",
        503: "; it does not reach it",
        504: "; it does not reach it",
    }.get(code, "")
    return f"the proxy {proxy.shown} answered {http_phrase(code)} when it was asked for {target}{advice}"


def _head(sock: socket.socket, proxy: Proxy) -> bytes:
    """Return the answer's head; not a byte more is read: what follows may be the other side's greeting already."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        if not piece or len(head) > MAX_HEAD:
            raise ProxyError(f"the proxy {proxy.shown} closed the connection without an answer")
        head += piece
    return head


# --- TLS within TLS ---------------------------------------------------------------------------------------------------


def _plain(outer: ssl.SSLSocket) -> socket.socket:
    """Return a plain socket on what is spoken within `outer`, as Python's TLS wants one below it."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_relay, args=(theirs, outer), name="misp-workflow-tunnel", daemon=True).start()
    return ours


def _relay(inner: socket.socket, outer: ssl.SSLSocket) -> None:
    """Pass on both ways until one side ends. Only one thread may touch a TLS connection."""
    with contextlib.suppress(OSError), selectors.DefaultSelector() as waiting, inner, outer:
        waiting.register(inner, selectors.EVENT_READ)
        waiting.register(outer, selectors.EVENT_READ)
        while True:
            ready = [outer] if outer.pending() else [key.fileobj for key, _ in waiting.select()]
            if outer in ready:
                outer.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):  # it was about the connection itself
                    piece = outer.recv(_PIECE)
                    if not piece:
                        return
                    inner.sendall(piece)
            if inner in ready:
                outer.settimeout(None)
                piece = inner.recv(_PIECE)
                if not piece:
                    return
                outer.sendall(piece)
