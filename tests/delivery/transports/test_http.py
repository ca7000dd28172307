"""The HTTP transport against a receiver that speaks real HTTP, well and badly."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc

import pytest
from http_kit import KEY, send

from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.request import signing
from misp_workflow.effects import Post
from misp_workflow.testing.receiver import CLOSE, RESET, Answer, Receiver, answer, redirect

pytestmark = pytest.mark.usefixtures("fresh_session")


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


def test_the_key_in_the_query(receiver: Receiver) -> None:
    http.send(
        Post(url=f"{receiver.url}/x?key=a", query={"b": "c"}, key_at="query:requestId"), KEY, time.monotonic() + 10
    )
    assert dict(receiver.requests[0].query) == {"key": "a", "b": "c", "requestId": KEY}


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
        (answer(b'\xef\xbb\xbf{"ok": true}'), SLACK, "delivered", "Slack answered 200 OK"),
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
