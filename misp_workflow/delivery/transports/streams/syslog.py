"""Syslog: RFC 5424 over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425).

TCP syslog has no receipt, and what is sent on a connection whose other side has gone vanishes without a word. So a
batch has a connection of its own, which we end first and see ended by the other side: then it has read everything.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.connections import connect
from misp_workflow.delivery.transports.network.names import resolve
from misp_workflow.delivery.transports.network.proxies import Proxy
from misp_workflow.delivery.transports.network.tries import Try, trying
from misp_workflow.delivery.transports.streams.outcome import IN, Outcome, UnreachableError, server, tls
from misp_workflow.effects import Batch, Json

PORTS = {"udp": 514, "tcp": 601, "tls": 6514}


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Send the frames. Over UDP nobody can know what arrived."""
    parts, proxy = _way(batch, deadline)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    frames = [_frame(batch, one) for one in batch.records]
    try:
        if parts.scheme == "udp":
            _datagrams(frames, host, port, deadline)
        else:
            _stream(frames, host, port, batch, proxy, deadline)
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(f"its certificate is not trusted: {error.verify_message}", final=True) from None
    except OSError as error:
        raise UnreachableError(f"it could not be used: {error.strerror or error}") from None
    return [IN] * len(frames)


def _way(batch: Batch, deadline: float) -> tuple[SplitResult, Proxy | None]:
    """Return where it goes, looked up and checked here unless a proxy does that, and the proxy."""
    parts = urlsplit(batch.address)
    if parts.scheme in ("tcp", "tls") and (wanted := proxies.wish(batch.destination)):
        proxy = proxies.way(wanted, parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        if proxy is not None:
            return parts, proxy
    return server(batch, PORTS.get(parts.scheme, 514), deadline), None


def _frame(batch: Batch, record: Mapping[str, Json]) -> bytes:
    body = record["body"]
    told = str(body) if body is not None else str(batch.options["gone"]).replace("%UUID%", str(record["key"]))
    return told.encode("utf-8", "replace")


def _datagrams(frames: list[bytes], host: str, port: int, deadline: float) -> None:
    family, _, _, _, target = resolve(host, port, deadline)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for frame in frames:
            sock.sendto(frame, target)


def _stream(frames: list[bytes], host: str, port: int, batch: Batch, proxy: Proxy | None, deadline: float) -> None:
    with trying(deadline) as this, contextlib.ExitStack() as open_ones:
        sock, handle = connect(host, port, this, proxy)
        open_ones.callback(handle.close)
        open_ones.callback(sock.close)
        this.use(handle)
        if batch.address.startswith("tls:"):
            sock = open_ones.enter_context(tls(batch).wrap_socket(sock, server_hostname=host))
        for frame in frames:
            sock.sendall(b"%d %s" % (len(frame), frame))
        _end(sock, this)


def _end(sock: socket.socket, this: Try) -> None:
    """Say that nothing more comes, and wait until the other side has read to the end."""
    if isinstance(sock, ssl.SSLSocket):
        with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # many just close, once they have read it
            sock.unwrap()
        return
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(1024):
        pass
    if this.late:
        raise TimeoutError("it did not read everything in time")
