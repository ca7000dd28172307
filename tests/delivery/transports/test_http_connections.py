"""The HTTP transport at its deadline, and where no connection comes about."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from http_kit import KEY, RawServer, send

from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network import connections, names, sockets
from misp_workflow.delivery.transports.network.tries import Try
from misp_workflow.effects import Post
from misp_workflow.testing.receiver import CLOSE, HANG, Answer, Receiver, answer

pytestmark = pytest.mark.usefixtures("fresh_session")


# --- the deadline -----------------------------------------------------------------------------------------------------
# A test may be slow, so each holds the try against a server that would need minutes, not against a clock's reading.

PATIENCE = 0.4


def timed(receiver: Receiver, **fields):
    start = time.monotonic()
    given = send(receiver, PATIENCE, **fields)
    assert time.monotonic() - start < 20, "the try was not ended by its deadline"
    return given


@pytest.mark.parametrize(
    "reply",
    [
        HANG,
        answer("x" * 1000, drip=0.05),
        answer("x" * 1000, drip=0.05, drip_head=True),
        answer({"ok": True}, delay=120),
        answer("x" * 1000, drip=0.05, headers={"Connection": "close", "Content-Length": "1000"}),
    ],
    ids=["hangs", "drips the body", "drips the head", "is slow", "drips and closes"],
)
def test_a_slow_server_is_left_at_the_deadline(receiver: Receiver, reply: Answer) -> None:
    receiver.always(reply)
    given = timed(receiver)
    assert (given.outcome, given.detail) == ("again", "Slack did not answer within 0.4 s")
    assert given.down


def test_a_body_without_a_length_that_the_deadline_ends_is_no_answer() -> None:
    with RawServer(b'HTTP/1.0 200 OK\r\n\r\n{"ok": tr', hold=True) as url:
        given = http.send(Post(label="x", service="Slack", url=url), KEY, time.monotonic() + PATIENCE)
    assert given.detail == "Slack did not answer within 0.4 s"


def test_a_server_that_says_nothing_in_tls(receiver: Receiver) -> None:
    with RawServer(b"", hold=True) as url:
        post = Post(label="x", service="Slack", url=url.replace("http:", "https:"))
        given = http.send(post, KEY, time.monotonic() + PATIENCE)
    assert (given.outcome, given.detail) == ("again", "Slack did not answer within 0.4 s")


def test_a_name_server_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    looked_up: list[str] = []

    def hang(host: str, port: int):
        looked_up.append(host)
        release.wait(60)
        return []

    monkeypatch.setattr(names, "_getaddrinfo", hang)
    post = Post(label="x", service="Slack", url="http://slow.example/hook")
    try:
        given = [http.send(post, KEY, time.monotonic() + PATIENCE) for _ in range(3)]
    finally:
        release.set()
    assert [one.outcome for one in given] == ["again"] * 3
    assert given[0].detail == "the address of slow.example could not be looked up in time"
    assert looked_up == ["slow.example"], "tries for one name share a look-up"


def test_a_full_backlog_is_left_at_the_deadline() -> None:
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        with socket.socket() as second:  # the kernel takes one more than asked for
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            given = http.send(Post(label="x", service="Slack", url=url), KEY, time.monotonic() + PATIENCE)
    assert given.outcome == "again"
    assert "in time" in given.detail or "within" in given.detail


def test_no_time_left_is_said_and_nothing_is_sent(receiver: Receiver) -> None:
    assert send(receiver, -1.0).detail == "there was no time left to ask Slack"
    assert receiver.requests == []


def test_after_a_late_answer_the_next_request_is_well(receiver: Receiver) -> None:
    receiver.answers(answer(delay=120))
    assert timed(receiver).outcome == "again"
    assert send(receiver).outcome == "delivered"


# --- no connection ----------------------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        given = http.send(Post(label="x", service="Slack", url=f"http://127.0.0.1:{port}/"), KEY, time.monotonic() + 10)
    assert (given.outcome, given.detail) == ("again", f"nothing listens at 127.0.0.1 port {port}")


def test_an_unknown_name() -> None:
    given = http.send(Post(label="x", url="http://nobody.invalid/"), KEY, time.monotonic() + 30)
    assert (given.outcome, given.detail) == ("again", "the name nobody.invalid is unknown here")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "http://[::1", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    given = http.send(Post(label="x", url=url), KEY, time.monotonic() + 10)
    assert given.outcome == "refused"
    assert "cannot be made" in given.detail


def test_a_kept_connection_that_the_other_side_closed_is_opened_again(receiver: Receiver) -> None:
    receiver.answers(answer(), CLOSE, answer())
    send(receiver)
    given = send(receiver)  # on the kept connection, which is then closed unanswered
    assert given.outcome == "delivered"
    assert receiver.connections == 2


def test_a_refused_address_gets_no_byte(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str) -> None:
        raise sockets.AddressRefusedError(f"{address} is forbidden by the settings")

    monkeypatch.setattr(connections, "check_address", refuse)
    given = send(receiver)
    assert (given.outcome, given.detail) == ("refused", "Slack is not asked: 127.0.0.1 is forbidden by the settings")
    assert receiver.connections == 0


def test_what_a_try_has_adopted_is_closed_at_its_end_whatever_closed_meanwhile() -> None:
    ours, its_end = socket.socketpair()
    stale, other_end = socket.socketpair()
    with ours, its_end, stale, other_end:
        this = Try(time.monotonic() + 60)
        this.use(ours)
        assert this.adopt(ours)
        assert not this.adopt(stale)
        this.end()
        assert ours.fileno() == -1, "the handle is left to the garbage collector, which warns of it"
        assert stale.fileno() != -1
