"""Syslog: RFC 5424 over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425).

TCP syslog has no receipt, and what is sent on a connection whose other side has gone vanishes without a word. So a
batch has a connection of its own, which we end first and see ended by the other side: then it has read everything.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping

from misp_workflow.delivery.transports.names import resolve
from misp_workflow.delivery.transports.sockets import Try, connect, trying
from misp_workflow.delivery.transports.streams.outcome import IN, Outcome, UnreachableError, server, tls
from misp_workflow.effects import Batch, Json

PORTS = {"udp": 514, "tcp": 601, "tls": 6514}


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Send the frames. Over UDP nobody can know what arrived."""
    parts = server(batch, PORTS.get(batch.address.partition("://")[0], 514), deadline)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    frames = [_frame(batch, one) for one in batch.records]
    try:
        if parts.scheme == "udp":
            _datagrams(frames, host, port, deadline)
        else:
            _stream(frames, host, port, batch, parts.scheme == "tls", deadline)
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(f"its certificate is not trusted: {error.verify_message}", final=True) from None
    except OSError as error:
        raise UnreachableError(f"it could not be used: {error.strerror or error}") from None
    return [IN] * len(frames)


def _frame(batch: Batch, record: Mapping[str, Json]) -> bytes:
    body = record["body"]
    told = str(body) if body is not None else str(batch.options["gone"]).replace("%UUID%", str(record["key"]))
    return told.encode("utf-8", "replace")


def _datagrams(frames: list[bytes], host: str, port: int, deadline: float) -> None:
    family, _, _, _, target = resolve(host, port, deadline)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for frame in frames:
            sock.sendto(frame, target)


def _stream(frames: list[bytes], host: str, port: int, batch: Batch, encrypted: bool, deadline: float) -> None:
    with trying(deadline) as this, contextlib.ExitStack() as open_ones:
        sock, handle = connect(host, port, this)
        open_ones.callback(handle.close)
        open_ones.callback(sock.close)
        this.use(handle)
        if encrypted:
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
