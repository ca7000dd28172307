"""Streams: publishes a `Record` on a ZeroMQ socket. Needs pyzmq, the extra [zmq].

One socket per address and process, kept open, as subscribers need time to find it. It is an XPUB: a PUB that hears who
subscribes, so that the answer can say whether anybody listens. Whether they got it ZeroMQ never tells.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.sockets import resolve
from misp_workflow.effects import Record

JOINING = 0.5
"""Seconds that the first message at an address waits for subscribers to come (or come back)."""
MOST_SOCKETS = 16


def send(record: Record, key: str, deadline: float) -> Answer:
    """Hand the message to the socket; "delivered" says how many subscriptions there are, not who received it."""
    try:
        import zmq
    except ImportError:
        return Answer(outcome="refused", detail="pyzmq is not installed: pip install 'misp-workflow-actions[zmq]'")
    refusal = "" if record.bind else _refusal(record.address, deadline)
    if refusal:
        return Answer(outcome="refused", detail=refusal)
    try:
        with _lock:
            publisher = _publisher(record)
            publisher.hear(record.topic, deadline)
            publisher.socket.send_multipart([frame.encode("utf-8", "replace") for frame in record.frames], zmq.NOBLOCK)
    except zmq.ZMQError as error:
        final = error.errno in (zmq.EINVAL, zmq.EPROTONOSUPPORT, zmq.ENOCOMPATPROTO, errno.ENODEV)
        detail = f"{record.address} cannot be used: {_reason(error, zmq)}"
        return Answer(outcome="refused" if final else "again", detail=detail)
    listeners = publisher.listeners(record.topic)
    told = f"{listeners} listening" if listeners else "nobody listens right now"
    return Answer(outcome="delivered", detail=f"published on {record.address}, {told}")


def _reason(error: Any, zmq: Any) -> str:
    return "another process listens there already" if error.errno == zmq.EADDRINUSE else str(error.strerror).lower()


class _Publisher:
    """A socket, and the subscriptions that were heard on it."""

    def __init__(self, record: Record) -> None:
        import zmq

        self.socket: Any = zmq.Context.instance().socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 1000)
        self.socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        try:
            (self.socket.bind if record.bind else self.socket.connect)(record.address)
        except zmq.ZMQError:
            self.socket.close(0)
            raise
        self._subscribed: dict[bytes, int] = {}
        self._until = time.monotonic() + JOINING

    def hear(self, topic: str, deadline: float) -> None:
        """Read what subscriptions came; while the socket is new, wait for one."""
        while self._read(0):
            pass
        while not self.listeners(topic) and time.monotonic() < min(self._until, deadline - 0.05):
            self._read(20)

    def _read(self, milliseconds: int) -> bool:
        if not self.socket.poll(milliseconds):
            return False
        said = self.socket.recv()
        if said[:1] in (b"\x00", b"\x01"):
            number = self._subscribed.get(said[1:], 0) + (1 if said[:1] == b"\x01" else -1)
            self._subscribed[said[1:]] = max(number, 0)
        return True

    def listeners(self, topic: str) -> int:
        """Return how many subscriptions match the topic."""
        wanted = topic.encode()
        return sum(number for name, number in self._subscribed.items() if wanted.startswith(name))


_lock = threading.Lock()
_publishers: dict[tuple[int, str, bool], _Publisher] = {}


def _publisher(record: Record) -> _Publisher:
    name = (os.getpid(), record.address, record.bind)
    if name not in _publishers:
        if len(_publishers) >= MOST_SOCKETS:
            _publishers.pop(next(iter(_publishers))).socket.close(0)
        _publishers[name] = _Publisher(record)
    return _publishers[name]


def _refusal(address: str, deadline: float) -> str:
    """Return why the settings or prudence forbid to call this address, or ""."""
    parts = urlsplit(address)
    if parts.scheme != "tcp":
        return ""
    try:
        found = resolve(parts.hostname or "", parts.port or 0, deadline)
    except (OSError, ValueError):
        return f"the address {address} cannot be looked up"
    return next((why for one in found if (why := connection_refusal(str(one[4][0])))), "")
