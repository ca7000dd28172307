"""What is saved on the way of a request changes nothing that anybody sees."""

from __future__ import annotations

import gzip
import http.client
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http as transport
from misp_workflow.delivery.transports.network import tries
from misp_workflow.delivery.transports.network.session import Adapter
from misp_workflow.effects import Post
from misp_workflow.testing.receiver import HANG, Receiver, answer

KEY = "mw_0123456789abcdef"


def send(url: str, seconds: float = 10.0, **fields) -> Answer:
    return transport.send(Post(label="a test", service="Slack", url=url, **fields), KEY, time.monotonic() + seconds)


@contextmanager
def raw_server(*answers: bytes) -> Iterator[str]:
    """One connection, on which each request gets the next bytes, whatever they are; then it is closed."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for one in answers:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(one)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook/s3cret"
        thread.join(10)


# --- the way out ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is handed to the socket, each time."""
    handed: list[bytes] = []
    plain = http.client.HTTPConnection.send

    def note(connection: http.client.HTTPConnection, data: bytes) -> None:
        handed.append(data)
        plain(connection, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", note)
    return handed


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
def test_head_and_body_leave_together(receiver: Receiver, sent: list[bytes], kept: bool) -> None:
    if kept:
        send(receiver.url)
        sent.clear()
    assert send(receiver.url, json={"text": "x"}).outcome == "delivered"
    assert len(sent) == 1 and sent[0].endswith(b'\r\n\r\n{"text":"x"}')


def test_a_large_body_is_not_copied_to_be_sent(receiver: Receiver, sent: list[bytes]) -> None:
    body = "x" * 10_000_000
    assert send(receiver.url, body=body).outcome == "delivered"
    assert list(map(len, sent))[1:] == [len(body)]
    assert receiver.requests[0].body.decode() == body


@pytest.mark.parametrize(
    ("fields", "length"),
    [({}, "0"), ({"body": ""}, "0"), ({"body": "é"}, "2"), ({"method": "DELETE"}, "0"), ({"method": "GET"}, None)],
)
def test_the_length_of_what_is_sent(receiver: Receiver, fields, length: str | None) -> None:
    send(receiver.url, **fields)
    assert receiver.requests[0].header("Content-Length") == length


def test_credentials_in_the_address_count_each_time(receiver: Receiver) -> None:
    url = receiver.url.replace("http://", "http://ann:secret@")
    for fields in ({}, {}, {"basic": ("bob", "b")}):
        send(url, **fields)
    assert [request.header("Authorization") for request in receiver.requests] == [
        "Basic YW5uOnNlY3JldA==",
        "Basic YW5uOnNlY3JldA==",
        "Basic Ym9iOmI=",
    ]


def test_a_header_of_the_effect_replaces_ours_however_it_is_written(receiver: Receiver) -> None:
    send(receiver.url, json={}, headers={"user-agent": "me", "accept": "text/plain", "content-type": "a/b"})
    names = [name.lower() for name, _ in receiver.requests[0].headers]
    assert len(names) == len(set(names))
    assert [receiver.requests[0].header(name) for name in ("User-Agent", "Accept", "Content-Type")] == [
        "me",
        "text/plain",
        "a/b",
    ]


def test_addresses_that_differ_in_little_stay_apart(receiver: Receiver) -> None:
    for path in ("/a", "/a/", "/a?b=c", "/ä b", "/a"):
        send(receiver.url + path)
    send(receiver.url + "/a", query={"b": "d"})
    send(receiver.url + "/a")
    assert [request.target for request in receiver.requests] == [
        *("/a", "/a/", "/a?b=c", "/%C3%A4%20b", "/a", "/a?b=d", "/a"),
    ]


def test_more_addresses_than_are_remembered(receiver: Receiver) -> None:
    for number in range(Adapter.MOST_PLACES + 3):
        assert send(f"{receiver.url}/{number}").outcome == "delivered"
    assert receiver.connections == 1


# --- the way back -----------------------------------------------------------------------------------------------------

OK = {"expect": {"ok": True}}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_answers_in_chunks_keep_the_connection() -> None:
    with raw_server(CHUNKED + b'4\r\n{"ok\r\n9\r\n": true }\r\n0\r\n\r\n', CHUNKED + b"0\r\n\r\n") as url:
        assert send(url, **OK).detail == "Slack answered 200 OK"
        assert send(url).outcome == "delivered"


@pytest.mark.parametrize(
    "cut",
    [
        CHUNKED + b'c\r\n{"ok"',
        CHUNKED + b"nonsense\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok"',
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_none(cut: bytes) -> None:
    with raw_server(cut) as url:
        given = send(url, **OK)
    assert (given.outcome, given.detail) == ("again", "Slack closed the connection without a whole answer")


def test_a_packed_answer_is_unpacked(receiver: Receiver) -> None:
    packed = {"Content-Encoding": "gzip"}
    receiver.answers(answer(gzip.compress(b'{"ok": true}'), headers=packed), answer(b"not packed", headers=packed))
    assert send(receiver.url, **OK).detail == "Slack answered 200 OK"
    assert send(receiver.url, **OK).detail == "Slack sent an answer that cannot be unpacked"


@pytest.mark.parametrize("size", [transport.MAX_ANSWER, transport.MAX_ANSWER + 1])
def test_the_longest_answer_that_is_read(receiver: Receiver, size: int) -> None:
    receiver.always(answer(b'{"ok": true}'.rjust(size)))
    assert (send(receiver.url, **OK).outcome == "delivered") == (size == transport.MAX_ANSWER)


def test_nothing_that_urllib3_logs_names_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nno header at all\r\n\r\n") as url:
        send(url)
        send(url, 0.3)  # and one that nobody answers
    assert "s3cret" not in caplog.text


# --- the watchdog -----------------------------------------------------------------------------------------------------


def test_tries_that_ended_are_forgotten(receiver: Receiver) -> None:
    before = set(tries._watchdog._tries)
    for _ in range(3):
        send(receiver.url, 600.0)
    assert tries._watchdog._tries <= before


def test_a_shorter_deadline_is_kept_beside_a_longer_one(receiver: Receiver) -> None:
    receiver.always(HANG)
    patient = threading.Thread(target=send, args=(receiver.url, 1.5), daemon=True)
    patient.start()
    while not receiver.requests:
        time.sleep(0.01)
    start = time.monotonic()
    for _ in range(3):
        assert send(receiver.url, 0.1).detail == "Slack did not answer within 0.1 s"
    assert time.monotonic() - start < 60, "nobody waits for a socket's own time-out"
    patient.join(60)
    assert not patient.is_alive()
