"""The HTTP transport against a receiver that speaks real HTTP, well and badly."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest

from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network import connections, names, sockets, trust
from misp_workflow.delivery.transports.network.session import new_session
from misp_workflow.delivery.transports.request import signing
from misp_workflow.effects import Post
from misp_workflow.testing.receiver import CLOSE, HANG, RESET, Answer, Receiver, answer, redirect

KEY = "mw_0123456789abcdef"


def send(receiver: Receiver, seconds: float = 10.0, **fields):
    post = Post(**{"label": "a test", "service": "Slack", "url": receiver.url + "/hook", **fields})
    return http.send(post, KEY, time.monotonic() + seconds)


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_json_goes_out_whole(receiver: Receiver) -> None:
    given = send(receiver, json={"text": "café ☕", "n": [1, 2.5, None, True]}, headers={"X-A": "b"}, bearer="tok")
    request = receiver.requests[0]
    assert given.outcome == "delivered"
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.json() == {"text": "café ☕", "n": [1, 2.5, None, True]}
    assert request.header("Content-Type") == "application/json"
    assert request.header("Authorization") == "Bearer tok"
    assert request.header("X-A") == "b"
    assert request.header("User-Agent").startswith("misp-workflow-actions/")


def test_form_body_query_basic_and_method(receiver: Receiver) -> None:
    send(receiver, form={"a": "1 & 2", "é": "ü"}, query={"q": "x y"}, basic=("ann", "pä:ss"))
    send(receiver, body="Grüße", content_type="text/markdown", method="PUT")
    send(receiver, method="GET")
    form, text, get = receiver.requests
    assert form.form() == {"a": "1 & 2", "é": "ü"}
    assert form.query == [("q", "x y")]
    assert form.header("Authorization") == "Basic YW5uOnDDpDpzcw=="
    assert (text.method, text.body.decode(), text.header("Content-Type")) == ("PUT", "Grüße", "text/markdown")
    assert (get.method, get.body, get.header("Content-Type")) == ("GET", b"", None)


def test_json_that_only_the_standard_library_can_write(receiver: Receiver) -> None:
    send(receiver, json={"half": "\ud800", "huge": 2**70})
    assert json.loads(receiver.requests[0].body) == {"half": "\ud800", "huge": 2**70}


def test_a_header_beyond_latin_1_travels_as_utf_8(receiver: Receiver) -> None:
    send(receiver, headers={"X-Title": "日本"})
    assert receiver.requests[0].header("X-Title").encode("latin-1").decode() == "日本"


def test_a_line_break_in_a_header_is_refused_before_anything_is_sent(receiver: Receiver) -> None:
    given = send(receiver, headers={"X-Title": "a\r\nX-Evil: 1"})
    assert given.outcome == "refused"
    assert "cannot be made" in given.detail
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("key_at", "found"),
    [
        ("", lambda r: r.target == "/hook" and r.header("Idempotency-Key") is None),
        ("path", lambda r: r.target == f"/hook/{KEY}"),
        ("header:Idempotency-Key", lambda r: r.header("Idempotency-Key") == KEY),
        ("json:dedup_key", lambda r: r.json() == {"text": "x", "dedup_key": KEY}),
    ],
)
def test_the_key_travels_where_the_effect_says(receiver: Receiver, key_at: str, found) -> None:
    send(receiver, json={"text": "x"}, key_at=key_at)
    assert found(receiver.requests[0])


def test_nothing_is_remembered_between_requests(receiver: Receiver) -> None:
    receiver.always(answer(headers={"Set-Cookie": "session=1"}))
    send(receiver, bearer="one", headers={"X-Once": "1"})
    send(receiver)
    second = receiver.requests[1]
    assert [second.header(name) for name in ("Cookie", "Authorization", "X-Once")] == [None, None, None]
    assert receiver.connections == 1


def test_the_environment_is_not_mixed_in(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert send(receiver).outcome == "delivered"


# --- signing ----------------------------------------------------------------------------------------------------------


def test_the_published_vector_of_standard_webhooks() -> None:
    # From the reference libraries of the specification.
    made = signing.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_what_is_signed_is_what_is_sent(receiver: Receiver) -> None:
    send(receiver, json={"text": "é"}, sign_with="any old text")
    got = receiver.requests[0]
    expected = signing.headers("any old text", KEY, int(got.header("webhook-timestamp")), got.body)
    assert got.header("webhook-signature") == expected["webhook-signature"]
    assert got.header("webhook-id") == KEY
    assert abs(int(got.header("webhook-timestamp")) - time.time()) < 60


# --- what comes back --------------------------------------------------------------------------------------------------

SLACK = {"expect": {"ok": True}, "error_at": "error", "retry_on": ("ratelimited",)}


@pytest.mark.parametrize(
    ("reply", "fields", "outcome", "sentence"),
    [
        (answer({"ok": True}), SLACK, "delivered", "Slack answered 200 OK"),
        (answer({"ok": False, "error": "channel_not_found"}), SLACK, "refused", "Slack answered channel_not_found"),
        (answer({"ok": False, "error": "ratelimited"}), SLACK, "again", "Slack answered ratelimited"),
        (answer({"ok": False}), SLACK, "refused", 'Slack answered with "ok": false'),
        (answer({"ok": 1}), SLACK, "refused", 'Slack answered with "ok": 1'),
        (answer({"fine": True}), SLACK, "refused", 'Slack answered without "ok": check the address'),
        (answer("<html>"), SLACK, "refused", "Slack answered with something that is not JSON: check the address"),
        (answer(b"[" * 2_000_000), SLACK, "refused", "Slack answered with too much to read"),
        (
            answer(status=201),
            {"expect_status": (204,)},
            "refused",
            "Slack answered 201 Created: only 204 No Content says yes; check the address",
        ),
        (answer(status=404), {"expect_status": (404,)}, "delivered", "Slack answered 404 Not Found"),
        (answer(status=503), {"expect_status": (204,)}, "again", "Slack answered 503 Service Unavailable"),
        (answer({"code": 0}), {"expect": {"code": 0}}, "delivered", "Slack answered 200 OK"),
        (
            answer({"items": [{"status": 201}]}),
            {"expect": {"items.0.status": 201}},
            "delivered",
            "Slack answered 200 OK",
        ),
        (
            answer({"error": {"reason": "bad\nmapping"}}, status=400),
            {"error_at": "error.reason"},
            "refused",
            "Slack answered 400 Bad Request: bad mapping; the request was not understood: check the parameters",
        ),
        (
            answer("no_service", status=404, headers={"Content-Type": "text/plain"}),
            {},
            "refused",
            "Slack answered 404 Not Found: no_service; check the address",
        ),
        (answer(status=401), SLACK, "refused", "Slack answered 401 Unauthorized: check the credentials"),
        (answer(status=500), SLACK, "again", "Slack answered 500 Internal Server Error"),
        (answer(status=599), SLACK, "again", "Slack answered 599"),
        (CLOSE, SLACK, "again", "Slack closed the connection without a whole answer"),
        (RESET, SLACK, "again", "Slack closed the connection without a whole answer"),
        (answer("x" * 100, cut=50), {}, "again", "Slack closed the connection without a whole answer"),
    ],
)
def test_an_answer_and_its_sentence(receiver: Receiver, reply: Answer, fields, outcome, sentence) -> None:
    receiver.always(reply)
    given = send(receiver, json={"text": "x"}, **fields)
    assert (given.outcome, given.detail) == (outcome, sentence)


def test_the_host_names_a_service_that_has_no_name(receiver: Receiver) -> None:
    assert send(receiver, service="").detail == "127.0.0.1 answered 200 OK"


def test_retry_after_comes_back(receiver: Receiver) -> None:
    receiver.always(answer(status=429, headers={"Retry-After": "17"}))
    given = send(receiver)
    assert (given.outcome, given.retry_after) == ("again", 17.0)


def test_an_answer_without_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.always(answer(b"x" * 5_000_000))
    assert send(receiver).outcome == "delivered"


def test_a_small_answer_that_unpacks_to_a_big_one_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.always(answer(gzip.compress(b"\0" * 100_000_000), headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        assert send(receiver).outcome == "delivered"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_secrets_are_masked_in_the_sentence(receiver: Receiver) -> None:
    receiver.always(answer({"ok": False, "error": "token xoxb-1 is revoked"}))
    given = send(receiver, bearer="xoxb-1", secrets=("xoxb-1",), **SLACK)
    assert given.detail == "Slack answered token *** is revoked"


# --- redirects --------------------------------------------------------------------------------------------------------


def test_a_redirect_on_the_same_host_keeps_method_and_body(receiver: Receiver) -> None:
    receiver.answers(redirect("/new/", 308), redirect("?x=1", 307))
    assert send(receiver, json={"a": 1}, bearer="t").outcome == "delivered"
    last = receiver.requests[2]
    assert (last.method, last.target, last.json(), last.header("Authorization")) == (
        "POST",
        "/new/?x=1",
        {"a": 1},
        "Bearer t",
    )


def test_a_redirect_to_another_host_is_not_followed(receiver: Receiver) -> None:
    with Receiver() as other:
        receiver.always(redirect(other.url + "/steal", 307))
        given = send(receiver, bearer="t")
        assert other.requests == []
    assert given.outcome == "refused"
    assert f"redirect to {other.url}, which is not followed" in given.detail


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_does_not_become_a_get(receiver: Receiver, status: int) -> None:
    receiver.always(redirect("/login", status))
    assert send(receiver, json={}).outcome == "refused"
    assert len(receiver.requests) == 1


def test_redirects_in_a_circle_end(receiver: Receiver) -> None:
    receiver.always(redirect("/hook", 302))
    given = send(receiver, method="GET")
    assert given.detail == "Slack redirected more than 3 times"


@pytest.mark.parametrize("location", ["http://127.0.0.1:99999/x", "http://[::1/x"])
def test_a_redirect_to_what_is_no_address_is_said_plainly(receiver: Receiver, location: str) -> None:
    receiver.always(redirect(location, 307))
    given = send(receiver)
    assert (given.outcome, given.detail) == (
        "refused",
        "Slack answered 307: redirect to an address that is none",
    )


def test_an_answer_with_two_lengths_is_the_answers_fault(receiver: Receiver) -> None:
    receiver.always(Answer(body=b"ok", headers=(("Content-Length", "3"),)))
    given = send(receiver, 2.0)  # the third byte never comes
    assert given.outcome == "again"
    assert "cannot be made" not in given.detail


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
    with _raw_server(b'HTTP/1.0 200 OK\r\n\r\n{"ok": tr', hold=True) as url:
        given = http.send(Post(label="x", service="Slack", url=url), KEY, time.monotonic() + PATIENCE)
    assert given.detail == "Slack did not answer within 0.4 s"


def test_a_server_that_says_nothing_in_tls(receiver: Receiver) -> None:
    with _raw_server(b"", hold=True) as url:
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


# --- TLS --------------------------------------------------------------------------------------------------------------


def test_tls_is_verified_unless_switched_off(certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Receiver(tls=context) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        doubtful = send(receiver, url=url)
        trusted = send(receiver, url=url, ca_file=str(certificate[0]))
        unverified = send(receiver, url=url, verify_tls=False)
    assert doubtful.outcome == "again"
    assert re.fullmatch("no TLS connection to localhost port [0-9]+: self-signed certificate", doubtful.detail)
    assert (trusted.outcome, unverified.outcome) == ("delivered", "delivered")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Returns a function that names the file of authorities that this machine trusts."""

    def tell(path: str) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        trust.shared.cache_clear()

    yield tell
    monkeypatch.undo()
    trust.shared.cache_clear()


def test_what_the_machine_trusts_is_trusted(certificate, told) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    with Receiver(tls=context) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert send(receiver, url=url).outcome == "delivered"
        assert send(receiver, url=url, ca_file=certifi.where()).outcome == "again", "the file alone, where one is named"


@pytest.mark.parametrize("named", ["by the machine", "by the node"])
def test_a_trusted_certificate_of_another_host_is_none(certificate, told, named: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    with Receiver(host="127.0.0.2", tls=context) as receiver:
        given = send(receiver, url=receiver.url, ca_file="" if named == "by the machine" else str(certificate[0]))
        assert receiver.requests == []
    assert (given.outcome, "127.0.0.2" in given.detail) == ("again", True)


def test_the_well_known_authorities_are_trusted_whatever_the_machine_says(told) -> None:
    known = len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs())
    for path in ("/nowhere/ca.pem", __file__):
        told(path)
        assert len(trust.shared().get_ca_certs()) >= known


def test_a_certificate_of_ours_is_shown_only_where_it_is_asked_for(
    certificate, told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours.pem"
    ours.write_text(certificate[0].read_text() + certificate[1].read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate[0]))
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    told(str(certificate[0]))
    given: list[ssl.SSLContext] = []
    load = ssl.SSLContext.load_cert_chain
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda self, *args: given.append(self) or load(self, *args))
    with Receiver(tls=context) as receiver:
        receiver.always(answer(headers={"Connection": "close"}))
        url = receiver.url.replace("127.0.0.1", "localhost")
        outcomes = [send(receiver, url=url, client_certificate=str(path)).outcome for path in (ours, "", ours)]
    assert outcomes == ["delivered", "again", "delivered"]
    assert len(given) == 2
    assert given[0] is not given[1], "OpenSSL crashes when two threads put a certificate into one context"


def test_to_know_whom_to_trust_is_found_out_once(certificate, told, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda self, *args, **kw: read.append(args) or load(self, *args, **kw)
    )
    with Receiver(tls=context) as receiver:
        receiver.always(answer(headers={"Connection": "close"}))
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert [send(receiver, url=url).outcome for _ in range(3)] == ["delivered"] * 3
        assert receiver.connections == 3
    assert len(read) == 1


def test_the_shared_context_changes_no_more() -> None:
    context = trust.shared()
    context.set_alpn_protocols(["\N{SNOWMAN}"])  # an error where it is heeded


def test_a_file_that_is_missing_is_named(receiver: Receiver) -> None:
    given = send(receiver, url=receiver.url.replace("http:", "https:"), ca_file="/nowhere/ca.pem")
    assert given.outcome == "again", "the operator can put it there"
    assert "/nowhere/ca.pem" in given.detail


class _raw_server:
    """One connection's worth of bytes, which may be no HTTP at all."""

    def __init__(self, data: bytes, hold: bool) -> None:
        self.data, self.hold = data, hold
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            connection.sendall(self.data)
            if self.hold:
                self.done.wait(60)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.socket.close()


@pytest.fixture
def fresh_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    session = new_session()
    monkeypatch.setattr(http, "SESSION", session)
    yield
    session.close()


pytestmark = pytest.mark.usefixtures("fresh_session")


@pytest.mark.parametrize(
    ("said", "wait"),
    [(34, 34.0), (0.65, 0.65), (10**12, 86_400.0), ("34", None), (-1, None), (True, None), (None, None)],
)
def test_a_wait_that_stands_in_the_json(said: object, wait: float | None, receiver: Receiver) -> None:
    receiver.always(answer({"parameters": {"retry_after": said}}, status=429))
    assert send(receiver, json={}, retry_after_at="parameters.retry_after").retry_after == wait


def test_fields_and_texts_that_must_be_there(receiver: Receiver) -> None:
    receiver.answers(answer({"id": "1"}), answer({"id": None}), answer("ok\n"), answer("<html>ok</html>"))
    for fields in ({"expect_fields": ("id",)}, {"expect_text": "ok"}):
        assert [send(receiver, **fields).outcome for _ in range(2)] == ["delivered", "refused"]


def test_the_key_in_the_query(receiver: Receiver) -> None:
    http.send(
        Post(url=f"{receiver.url}/x?key=a", query={"b": "c"}, key_at="query:requestId"), KEY, time.monotonic() + 10
    )
    assert dict(receiver.requests[0].query) == {"key": "a", "b": "c", "requestId": KEY}
