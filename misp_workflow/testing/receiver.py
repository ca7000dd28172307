"""A local HTTP receiver: records every request as it came over the wire, and answers by script.

It stands in for the chat servers, webhooks and APIs that no test can reach. It can be as unfriendly as they are: slow,
silent, cut off, reset, redirecting. It listens on a loopback address only.
"""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

BODILESS = (204, 304)


@dataclass(frozen=True)
class Received:
    """One request, as it came. `head` is the raw request line and headers, for tests of what must not be in there."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes
    at: float  # time.monotonic() when the last byte was read

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's names and values, decoded, in order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case; None without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body read as JSON; ValueError when it is none."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body read as a URL-encoded form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What the receiver does about one request. Times are seconds; make one with `answer()`."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0  # silence before the first byte
    drip: float = 0.0  # pause after each byte of the body
    drip_head: bool = False  # drip the status line and headers too
    cut: int | None = None  # send only so many bytes of the promised body, then close
    instead: Literal["", "close", "reset", "hang"] = (
        ""  # no answer at all: end the connection, or keep it and say nothing
    )


CLOSE = Answer(instead="close")
RESET = Answer(instead="reset")
HANG = Answer(instead="hang")


def answer(
    body: Any = b"",
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    delay: float = 0.0,
    drip: float = 0.0,
    drip_head: bool = False,
    cut: int | None = None,
) -> Answer:
    """An answer with `body` as bytes or text; anything else is sent as JSON, with its content type."""
    fields = dict(headers or {})
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
        fields.setdefault("Content-Type", "application/json")
    return Answer(status, body, tuple(fields.items()), delay, drip, drip_head, cut)


def redirect(location: str, status: int = 302) -> Answer:
    """An answer that sends the client elsewhere."""
    return answer(status=status, headers={"Location": location})


Responder = Callable[[Received], Answer]


class Receiver:
    """A threaded receiver on a free port; a context manager.

    `answers(...)` queues answers that are given in order, one per request; after them, and without them, `always(...)`
    holds: one answer for all, or a function of the request. A request is in `requests` before it is answered.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._script: deque[Answer] = deque()
        self._otherwise: Answer | Responder = Answer()
        self._requests: list[Received] = []
        self._news = threading.Condition()
        self._server = _Server((host, port), self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._failures: list[BaseException] = []
        self.host = host
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self._failures:
            raise self._failures[0]

    def stop(self) -> None:
        """Close every connection, the hanging ones too, and the port."""
        self._server.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.drop_connections()

    def answers(self, *script: Answer) -> None:
        """Queue answers for the next requests, one each."""
        with self._news:
            self._script.extend(script)

    def always(self, otherwise: Answer | Responder) -> None:
        """Answer so whenever nothing is queued."""
        with self._news:
            self._otherwise = otherwise

    @property
    def requests(self) -> list[Received]:
        """A copy of everything received so far."""
        with self._news:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return self._server.accepted

    def wait_for(self, count: int = 1, timeout: float = 60.0) -> list[Received]:
        """Return the requests as soon as there are `count`; TimeoutError after `timeout` seconds."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"The receiver got {len(self._requests)} of {count} requests in {timeout:g} s.")
            return list(self._requests)

    def clear(self) -> None:
        """Forget what was received and what was queued."""
        with self._news:
            self._requests.clear()
            self._script.clear()

    def record(self, request: Received) -> Answer:
        """Note a request and say how to answer it. Called by the connection's thread."""
        with self._news:
            self._requests.append(request)
            self._news.notify_all()
            chosen = self._script.popleft() if self._script else self._otherwise
        if isinstance(chosen, Answer):
            return chosen
        try:
            return chosen(request)
        except Exception as error:
            self._failures.append(error)  # raised again where the test can see it
            return answer("the test's own answering function failed", status=500)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: Receiver, tls: ssl.SSLContext | None) -> None:
        self.receiver = receiver
        self.tls = tls
        self.closing = threading.Event()
        self.accepted = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        self.watch(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self.unwatch(request)
        super().close_request(request)

    def watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def unwatch(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def drop_connections(self) -> None:
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the peer or the handler was quicker

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: a client that goes away is what many tests are about."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True  # as web servers do: else what follows the head waits for the client's next packet

    def setup(self) -> None:
        if self.server.tls is not None:
            # Here, not in accept(): a handshake that hangs may only hold its own thread.
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.server.watch(self.request)
        super().setup()

    def finish(self) -> None:
        super().finish()
        if self.server.tls is not None:
            self.server.unwatch(self.request)
            self.request.close()

    def handle(self) -> None:
        while not self.server.closing.is_set():
            request = self._read()
            if request is None or not self._answer(request, self.server.receiver.record(request)):
                return

    def _read(self) -> Received | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return None
            head += line
        first, *rest = head[:-4].split(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ", 2)
        headers = [_header(line.decode("latin-1")) for line in rest]
        body = self._read_body({key.lower(): value for key, value in headers})
        return Received(method, target, headers, body, head, time.monotonic())

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", "0")))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, request: Received, reply: Answer) -> bool:
        """Answer one request; True when the connection may be used again."""
        if self.server.closing.wait(reply.delay) or reply.instead == "close":
            return False
        if reply.instead == "reset":
            # No linger time: closing then sends RST, not FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return False
        if reply.instead == "hang":
            self.server.closing.wait()
            return False
        body = b"" if request.method == "HEAD" else reply.body[: reply.cut]
        self._send(_head(reply), reply.drip if reply.drip_head else 0.0)
        self._send(body, reply.drip)
        return reply.cut is None and (request.header("Connection") or "").lower() != "close"

    def _send(self, data: bytes, pause: float) -> None:
        if not pause:
            self.wfile.write(data)
            return
        for index in range(len(data)):
            self.wfile.write(data[index : index + 1])
            if self.server.closing.wait(pause):
                return


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _head(reply: Answer) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers)]
    named = {name.lower() for name, _ in reply.headers}
    if "content-length" not in named and reply.status not in BODILESS:
        lines.append(f"Content-Length: {len(reply.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
