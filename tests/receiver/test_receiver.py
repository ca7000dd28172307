"""The receiver misbehaves as told, and reports what really came over the wire."""

from __future__ import annotations

import http.client
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from misp_workflow.testing import CLOSE, HANG, RESET, Received, Receiver, answer, redirect


def send(receiver: Receiver, method: str = "POST", path: str = "/x?a=1", body: bytes = b"hello", **headers: str):
    connection = http.client.HTTPConnection(receiver.host, receiver.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


def raw(receiver: Receiver, request: bytes) -> bytes:
    with socket.create_connection((receiver.host, receiver.port), timeout=60) as peer:
        peer.sendall(request)
        return b"".join(iter(lambda: peer.recv(65536), b""))


def test_records_what_came(receiver: Receiver):
    assert send(receiver, body=b"a=1&b=%C3%A9", **{"X-Thing": "1"})[0] == 200
    [request] = receiver.requests
    assert (request.method, request.path, request.query) == ("POST", "/x", [("a", "1")])
    assert request.header("x-thing") == "1"
    assert request.form() == {"a": "1", "b": "é"}
    assert request.head.startswith(b"POST /x?a=1 HTTP/1.1\r\n")
    assert request.head.endswith(b"\r\n\r\n")


def test_repeated_headers_stay_apart(receiver: Receiver):
    raw(receiver, b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n")
    assert [value for name, value in receiver.requests[0].headers if name == "X-A"] == ["1", "2"]


def test_answers_in_order_then_always(receiver: Receiver):
    receiver.answers(answer(status=500), answer({"ok": False}))
    receiver.always(answer("later"))
    replies = [send(receiver) for _ in range(4)]
    assert [(status, body) for status, body, _ in replies] == [
        (500, b""),
        (200, b'{"ok": false}'),
        (200, b"later"),
        (200, b"later"),
    ]
    assert replies[1][2]["Content-Type"] == "application/json"


def test_a_function_may_answer(receiver: Receiver):
    receiver.always(lambda request: answer(request.body[::-1]))
    assert send(receiver, body=b"abc")[1] == b"cba"


def test_a_failing_function_fails_the_test():
    def broken(request: Received):
        raise LookupError(request.path)

    with pytest.raises(LookupError), Receiver() as receiver:
        receiver.always(broken)
        assert send(receiver)[0] == 500


def test_redirect_and_unusual_status(receiver: Receiver):
    receiver.answers(redirect("http://127.0.0.2/"), answer(status=599), answer(status=204))
    assert send(receiver)[2]["Location"] == "http://127.0.0.2/"
    assert send(receiver)[0] == 599
    assert send(receiver)[:2] == (204, b"")


def test_close_and_reset(receiver: Receiver):
    receiver.answers(CLOSE, RESET)
    with pytest.raises(http.client.RemoteDisconnected):
        send(receiver)
    with pytest.raises(ConnectionResetError) as caught:
        send(receiver)
    assert not isinstance(caught.value, http.client.RemoteDisconnected)


def test_cut_off_in_the_middle(receiver: Receiver):
    receiver.answers(answer("all of it", cut=3))
    with pytest.raises(http.client.IncompleteRead) as caught:
        send(receiver)
    assert caught.value.partial == b"all"


def test_delay_and_drip_take_their_time(receiver: Receiver):
    receiver.answers(answer("abc", delay=0.2, drip=0.1), answer(drip=0.005, drip_head=True))
    for at_least in (0.4, 0.1):
        before = time.monotonic()
        assert send(receiver)[0] == 200
        assert time.monotonic() - before >= at_least


def test_hang_ends_with_the_receiver():
    with Receiver() as receiver:
        receiver.answers(HANG)
        peer = socket.create_connection((receiver.host, receiver.port), timeout=60)
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        receiver.wait_for(1)
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.recv(1)
        peer.settimeout(60)
    with peer:
        assert peer.recv(1) == b""


def test_connections_are_kept_and_counted(receiver: Receiver):
    connection = http.client.HTTPConnection(receiver.host, receiver.port, timeout=60)
    for _ in range(3):
        connection.request("POST", "/", b"x")
        connection.getresponse().read()
    connection.close()
    assert (len(receiver.requests), receiver.connections) == (3, 1)


def test_chunked_and_go_ahead(receiver: Receiver):
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    reply = raw(receiver, head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert receiver.requests[0].body == b"abcde"


def test_wait_for_gives_up_with_a_count(receiver: Receiver):
    send(receiver)
    with pytest.raises(TimeoutError, match="1 of 2"):
        receiver.wait_for(2, timeout=0.05)
    receiver.clear()
    assert receiver.requests == []


def test_tls(tmp_path: Path, program):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Receiver(tls=context) as receiver:
        with urllib.request.urlopen(receiver.url, timeout=60, context=trusting) as response:
            assert response.status == 200
        assert len(receiver.requests) == 1


def test_the_kit_costs_nothing_until_it_is_used():
    """pytest loads the plugin everywhere; it must not drag our dependencies, nor the kit itself, into strangers' runs."""
    script = "import sys, misp_workflow.testing.plugin as p; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"requests", "jinja2", "pymisp", "orjson", "click", "rich", "misp_workflow.testing.receiver"} & set(
        loaded
    )


def test_a_kept_connection_is_no_slower_than_a_new_one(receiver: Receiver):
    """A head and a body that are written apart, and wait for each other, would hold up whoever keeps connections."""
    receiver.always(answer("ok"))
    kept = http.client.HTTPConnection(receiver.host, receiver.port, timeout=60)

    def ask_again() -> None:
        kept.request("POST", "/", b"hello")
        kept.getresponse().read()

    def seconds(ask) -> float:
        began = time.monotonic()
        ask()
        return time.monotonic() - began

    took = [(seconds(ask_again), seconds(lambda: send(receiver))) for _ in range(21)]
    kept.close()
    assert statistics.median(one for one, _ in took) < 5 * statistics.median(other for _, other in took)
