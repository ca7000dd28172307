"""A silent name server costs those whose names it has to say, and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from delivery_kit import parcel, until

from misp_workflow.delivery import transports
from misp_workflow.delivery.transports.network import names
from misp_workflow.testing.receiver import Receiver

SILENT = 80


class Server:
    """The system's resolver: silent for some names, or for all; counts what it is asked."""

    def __init__(self, ask) -> None:
        self.asked: list[str] = []
        self.silent = False
        self.error: OSError | None = None
        self.end = threading.Event()
        self._ask = ask

    def __call__(self, host: str, port: int, **options):
        self.asked.append(host)
        if self.error is not None:
            raise self.error
        if self.silent or host.endswith(".silent"):
            self.end.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._ask(host, port, **options)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(names, "_known", {})
    yield found
    found.end.set()
    until(lambda: not names._running)


def ask(host: str, seconds: float = 20.0):
    return names.resolve(host, 80, time.monotonic() + seconds)


def test_many_silent_names_stop_no_other_one(server: Server, receiver: Receiver) -> None:
    for number in range(SILENT):
        with pytest.raises(names.LookupTimeoutError):
            ask(f"n{number}.silent", 0.001)
    one = parcel(receiver, url=receiver.url.replace("127.0.0.1", "localhost"))
    assert transports.send(one.effect, "k", time.monotonic() + 20).outcome == "delivered"
    assert len(names._running) == SILENT


def test_a_name_that_was_found_before_is_known_while_the_server_is_silent(server: Server) -> None:
    found = ask("localhost")
    server.silent = True
    assert ask("localhost") == found
    assert ask("localhost", 0.01) == found, "also when there is no time to wait"
    with pytest.raises(names.LookupTimeoutError):
        ask("other.example", 0.01)


def test_a_temporary_failure_is_no_answer_and_an_unknown_name_is_one(server: Server) -> None:
    found = ask("localhost")
    server.error = socket.gaierror(socket.EAI_AGAIN, "try again")
    assert ask("localhost") == found
    server.error = socket.gaierror(socket.EAI_NONAME, "unknown")
    with pytest.raises(socket.gaierror):
        ask("localhost")


def test_what_was_known_is_forgotten_after_a_while(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("localhost")
    monkeypatch.setattr(names, "KNOWN_FOR", -1.0)
    server.silent = True
    with pytest.raises(names.LookupTimeoutError):
        ask("localhost", 0.05)


def test_a_kept_connection_needs_no_look_up(server: Server, receiver: Receiver) -> None:
    one = parcel(receiver, url=receiver.url.replace("127.0.0.1", "localhost"))
    for _ in range(5):
        assert transports.send(one.effect, "k", time.monotonic() + 20).outcome == "delivered"
    assert server.asked.count("localhost") == 1


def test_no_more_threads_is_said_like_a_silent_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(names.LookupTimeoutError):
        ask("localhost", 0.01)
