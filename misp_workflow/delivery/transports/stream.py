"""Streams: publishes a `Record` on a ZeroMQ socket. Needs pyzmq, the extra [zmq].

One socket per address and process, kept open, as subscribers need time to find it. It is an XPUB: a PUB that hears who
subscribes, so that the answer can say whether anybody listens. Whether they got it ZeroMQ never tells.
"""

from __future__ import annotations

import atexit
import errno
import os
import stat
import threading
import time
from dataclasses import replace
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.guard.networks import read_address
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.batches import stixed
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.names import resolve
from misp_workflow.effects import Record

JOINING = 0.5
"""Seconds that the first message at an address waits for subscribers to come (or come back)."""
MOST_SOCKETS = 16


def send(record: Record, key: str, deadline: float) -> Answer:
    """Hand the message to the socket; "delivered" says how many subscriptions there are, not who received it."""
    if record.stix:
        made = stixed.frames(record, deadline)
        if isinstance(made, Answer):
            return made
        deadline = stixed.time_to_send(record, deadline)
        record = replace(record, frames=made, stix=False)
    try:
        import zmq
    except ImportError:
        return Answer(outcome="refused", detail="pyzmq is not installed: pip install 'misp-workflow-actions[zmq]'")
    if not record.bind and (why := proxies.cannot("ZeroMQ", record.destination, record.address)):
        return Answer(outcome="refused", detail=why)
    try:
        address = _listening(record.address) if record.bind else _called(record.address, deadline)
    except _RefusedError as error:
        return Answer(outcome="refused", detail=f"the address {record.address} cannot be used: {error}")
    except OSError:
        return Answer(outcome="again", detail=f"the address {record.address} cannot be looked up")
    try:
        with _lock:
            publisher = _publisher(address, record.bind)
            publisher.hear(record.topic, deadline)
            publisher.socket.send_multipart([frame.encode("utf-8", "replace") for frame in record.frames], zmq.NOBLOCK)
    except zmq.ZMQError as error:
        final = error.errno in (zmq.EINVAL, zmq.EPROTONOSUPPORT, zmq.ENOCOMPATPROTO, errno.ENODEV)
        detail = f"the address {record.address} cannot be used: {_reason(error, zmq)}"
        return Answer(outcome="refused" if final else "again", detail=detail)
    listeners = publisher.listeners(record.topic)
    told = f"{listeners} listening" if listeners else "nobody listens right now"
    return Answer(outcome="delivered", detail=f"published on {record.address}, {told}")


def _reason(error: Any, zmq: Any) -> str:
    return "another process listens there already" if error.errno == zmq.EADDRINUSE else str(error.strerror).lower()


class _Publisher:
    """A socket, and the subscriptions that were heard on it."""

    def __init__(self, address: str, bind: bool) -> None:
        import zmq

        self.socket: Any = zmq.Context.instance().socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 1000)
        self.socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        self.socket.setsockopt(zmq.IPV6, "[" in address)
        try:
            (self.socket.bind if bind else self.socket.connect)(address)
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


def _publisher(address: str, bind: bool) -> _Publisher:
    name = (os.getpid(), address, bind)
    if name not in _publishers:
        if len(_publishers) >= MOST_SOCKETS:
            _publishers.pop(next(iter(_publishers))).socket.close(0)
        _publishers[name] = _Publisher(address, bind)
    return _publishers[name]


@atexit.register
def _close() -> None:
    """Let go of the sockets of this process; what they hold has a second to get out."""
    for (process, _, _), publisher in _publishers.items():
        if process == os.getpid():
            publisher.socket.close()


# --- where it may go --------------------------------------------------------------------------------------------------

_TCP = "tcp://"
_IPC = "ipc://"


class _RefusedError(Exception):
    pass


def _called(address: str, deadline: float) -> str:
    """Return the address to call, its name looked up: what was checked is what is called.

    Raises _RefusedError when the settings or prudence forbid it, OSError when the name cannot be looked up.
    """
    if not address.startswith(_TCP):
        return address
    host, port = _parts(address)
    if not port.isdecimal() or not host or ";" in host:  # "source;address" is ZeroMQ's own
        raise _RefusedError("it must read tcp://host:port")
    found = [str(one[4][0]) for one in resolve(host, int(port), deadline)]
    for one in found:
        if refusal := connection_refusal(one):
            raise _RefusedError(refusal)
    return f"{_TCP}[{found[0]}]:{port}" if ":" in found[0] else f"{_TCP}{found[0]}:{port}"


def _listening(address: str) -> str:
    """Return the address to listen at; _RefusedError when whoever calls there would come from where nothing may go."""
    if address.startswith(_IPC):
        path = address[len(_IPC) :]
        if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise _RefusedError("there is a file of that name, which ZeroMQ would remove")
        return address
    host = _parts(address)[0]
    given = read_address(host)
    if given is not None and not given.is_unspecified:
        if refusal := connection_refusal(host):
            raise _RefusedError(refusal)
    elif settings.current().networks.deny:  # any address, or an interface: who knows which networks that are
        raise _RefusedError(
            "the settings deny some networks (networks.deny), so it must name one address of this machine"
        )
    return address


def _parts(address: str) -> tuple[str, str]:
    host, _, port = address[len(_TCP) :].rpartition(":")
    return host.strip("[]"), port
