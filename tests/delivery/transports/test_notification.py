"""Notifications through apprise, to a local receiver that plays a Gotify server."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("apprise", reason="apprise is not installed: pip install apprise")

from delivery_kit import until

from misp_workflow.delivery import transports
from misp_workflow.delivery.transports import notification as notifications
from misp_workflow.delivery.transports.notification import MOST_AT_ONE_PLACE, _under_way
from misp_workflow.effects import Notification
from misp_workflow.testing import HANG, Receiver, answer, free_port, redirect

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules that apprise imports

SECRET = "very-secret-token"


def notification(host: str, scheme: str = "gotify") -> Notification:
    url = f"{scheme}://{host}/{SECRET}"
    return Notification(
        url=url, host=host.partition(":")[0], title="MISP", text="About {{ 7*7 }} <b>", secrets=(SECRET, url)
    )


def send(effect: Notification, patience: float = 20.0):
    return transports.send(effect, "k1", time.monotonic() + patience)


def gotify(receiver: Receiver) -> Notification:
    return notification(f"{receiver.host}:{receiver.port}")


def test_what_is_known_of_a_success_is_said_and_no_more(receiver: Receiver):
    receiver.always(answer({"id": 1}))
    said = send(gotify(receiver))
    assert said.outcome == "delivered" and said.detail == "apprise says that Gotify took it; it gives no more than that"
    (request,) = receiver.requests
    assert request.json() == {"priority": 5, "title": "MISP", "message": "About {{ 7*7 }} <b>"}
    assert request.header("X-Gotify-Key") == SECRET


@pytest.mark.parametrize(
    ("status", "outcome", "down"),
    [
        (401, "refused", False),
        (404, "refused", False),
        (429, "again", False),
        (500, "again", True),
        (503, "again", True),
    ],
)
def test_the_status_in_its_log_decides(status: int, outcome: str, down: bool, receiver: Receiver, caplog):
    receiver.always(answer(status=status))
    with caplog.at_level(logging.DEBUG):
        said = send(gotify(receiver))
    assert (said.outcome, said.down) == (outcome, down) and str(status) in said.detail
    assert SECRET not in said.detail + caplog.text


def test_nobody_there_is_worth_another_try():
    said = send(notification(f"127.0.0.1:{free_port()}"))
    assert (said.outcome, said.down) == ("again", True)


def test_a_service_that_hangs_is_left_behind(receiver: Receiver):
    receiver.always(HANG)
    said = send(gotify(receiver), patience=0.3)
    assert said.outcome == "again" and said.down
    assert send(gotify(receiver), patience=-1.0).outcome == "again"


def test_an_address_that_apprise_does_not_understand():
    said = send(Notification(url="pover://", text="x"))
    assert said.outcome == "refused" and "does not understand" in said.detail


def test_forbidden_addresses_are_not_spoken_to():
    said = send(notification("169.254.169.254"))
    assert said.outcome == "refused" and "metadata" in said.detail


@pytest.mark.parametrize("host", ["2852039166", "[::ffff:169.254.169.254]", "x@169.254.169.254"])
def test_no_spelling_of_them_helps(host: str):
    said = send(Notification(url=f"gotify://{host}/{SECRET}", text="x", secrets=(SECRET,)))
    assert said.outcome == "refused" and "metadata" in said.detail


def test_the_settings_network_rules_hold(receiver: Receiver, rules):
    rules('[networks]\ndeny = ["loopback"]\n')
    said = send(gotify(receiver))
    assert said.outcome == "refused" and "networks.deny" in said.detail and not receiver.connections


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed_with_the_credentials(status: int, receiver: Receiver):
    with Receiver() as other:
        receiver.always(redirect(f"{other.url}/message", status))
        effect = notification(f"{receiver.host}:{receiver.port}")
        said = send(dataclasses.replace(effect, url=f"{effect.url}?redirect=yes"))
        assert said.outcome == "refused" and not other.connections


def test_a_token_in_the_path_is_not_logged(receiver: Receiver, caplog):
    with caplog.at_level(logging.DEBUG):
        send(notification(f"{receiver.host}:{receiver.port}", scheme="mmost"))
    assert [SECRET in request.target for request in receiver.requests] == [True]
    assert SECRET not in caplog.text


def test_other_threads_go_where_they_like(receiver: Receiver):
    """The rules for a library's own connections are those of the thread that sends."""
    send(notification("169.254.169.254"))
    with socket.create_connection((receiver.host, receiver.port)) as connection:
        assert connection.getpeername()[1] == receiver.port


def test_a_name_without_an_address_is_apprises_to_explain():
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)
    assert send(notification("nowhere.invalid")).outcome == "again"


@contextlib.contextmanager
def dripping() -> Iterator[tuple[str, list[float]]]:
    """A server that sends one byte at a time for ever; notes when each connection to it ended."""
    ended: list[float] = []

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.recv(65536)
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60_000:
                    self.request.sendall(bytes([byte]))
                    time.sleep(0.05)
            ended.append(time.monotonic())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Drip) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", ended
        finally:
            server.shutdown()


def test_a_receiver_that_drips_is_shut_and_takes_nothing_from_the_others(receiver: Receiver):
    receiver.always(answer({"id": 1}))
    with dripping() as (host, ended):
        for _ in range(3 * MOST_AT_ONE_PLACE):
            said = send(notification(host), patience=0.3)
            assert (said.outcome, said.down) == ("again", True)
            assert send(gotify(receiver)).outcome == "delivered"
        until(lambda: len(ended) >= MOST_AT_ONE_PLACE)
        until(lambda: not _under_way)


def test_an_answer_that_we_cut_off_is_no_success():
    """http.client takes the end of a connection in the middle of the head for the end of the head."""
    with dripping() as (host, _):
        said = []
        for patience in (1.3, 1.5):
            effect = notification(host)
            said.append(notifications._notify(effect, time.monotonic() + patience))
    assert {one.outcome for one in said} == {"again"}


def test_what_is_left_behind_is_bounded_for_each_destination(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    """Where a library waits for something that cannot be shut, such as a silent name server."""
    free = threading.Event()
    monkeypatch.setattr(notifications, "_notify", lambda effect, deadline: free.wait(60) and None)
    try:
        stuck = [send(notification("stuck.example"), patience=0.05).detail for _ in range(MOST_AT_ONE_PLACE + 1)]
        assert ["before this one" in said for said in stuck] == [False] * MOST_AT_ONE_PLACE + [True]
        assert "did not come back in time" in send(notification("other.example"), patience=0.05).detail
    finally:
        free.set()
        until(lambda: not _under_way)
