"""A file that a service wants before its message: brought once, shown once, to nobody else, with no token it must not have."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import proxy_kit
import pytest
from delivery_kit import until
from proxy_kit import USER, WRITTEN

from misp_workflow.delivery import digest, retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.guard import fit
from misp_workflow.delivery.transports import http, messages, uploads
from misp_workflow.delivery.transports.network import names, sockets
from misp_workflow.effects import Messages, Parcel, Post, from_json, to_json
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import HANG, Receiver, answer

TOKEN = "xoxb-very-secret"
TEXT = "évil.example\n" * 40
SHOWN = answer({"ok": True, "files": [{"id": "F1"}]})


def where(url: str) -> Any:
    return answer({"ok": True, "upload_url": f"{url}/upload/abc", "file_id": "F1"})


def effect(url: str, **more: Any) -> Messages:
    """A message with a file, as Slack takes it."""
    steps = (
        {"url": f"{url}/get", "form": {"filename": "e.txt"}, "put": {"form.length": "length"},
         "take": {"url": "upload_url", "file": "file_id"}},
        {"put": {"url": "url", "body": "content"}, "bearer": "", "expect": {}, "expect_status": (200,)},
    )  # fmt: skip
    shown = {
        "url": f"{url}/complete",
        "json": {"files": [{"id": ""}], "text": "short"},
        "put": {"json.files.0.id": "file"},
    }
    given: dict[str, Any] = {
        "label": "chat", "service": "Slack", "url": f"{url}/post", "bearer": TOKEN, "secrets": (TOKEN,),
        "json": {"text": "short"}, "expect": {"ok": True}, "error_at": "error", "uploads": steps, "messages": (shown,),
        "file": {"field": "", "name": "e.txt", "text": TEXT}, "digest": ("json.text", "messages", "uploads", "file"),
    }  # fmt: skip
    return Messages(**{**given, **more})


def parcel(one: Messages) -> Parcel:
    return Parcel(key="k", effect=one, action="slack_message", created=time.time())


def send(one: Messages, key: str = "k", seconds: float = 20.0) -> retry.Answer:
    return messages.send(one, key, time.monotonic() + seconds)


def paths(receiver: Receiver) -> list[str]:
    return [request.path for request in receiver.requests]


@pytest.fixture
def chat(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    return receiver


def test_the_file_is_brought_and_shown(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"OK"), SHOWN)
    (receipt,) = deliver([parcel(effect(chat.url))])
    assert (receipt.status, receipt.detail) == ("delivered", "Slack: 1 message was delivered with a file.")
    asked, brought, shown = chat.requests
    assert asked.body.decode() == f"filename=e.txt&length={len(TEXT.encode())}"
    assert brought.body == TEXT.encode()
    assert shown.json() == {"files": [{"id": "F1"}], "text": "short"}
    assert [one.header("Authorization") for one in chat.requests] == [f"Bearer {TOKEN}", None, f"Bearer {TOKEN}"]


def test_who_was_killed_before_the_message_does_not_bring_the_file_again(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"OK"), HANG)
    one = effect(chat.url)
    assert send(one, seconds=2.0).outcome == "again"  # nobody tells the outbox, as when the process ends here
    chat.always(SHOWN)
    assert send(one).outcome == "delivered"
    assert paths(chat) == ["/get", "/upload/abc", "/complete", "/complete"]
    assert len({request.body for request in chat.requests[2:]}) == 1, "the same file: Slack shows it once"
    assert send(one).outcome == "delivered"
    assert len(chat.requests) == 4, "who was killed after it sends nothing more"


def test_who_was_killed_on_the_way_begins_anew_and_shows_one(chat: Receiver) -> None:
    one = effect(chat.url)
    chat.answers(where(chat.url), HANG)
    assert send(one, seconds=2.0).outcome == "again"
    chat.answers(where(chat.url), answer(b"OK"), SHOWN)
    assert send(one).outcome == "delivered"
    assert paths(chat) == ["/get", "/upload/abc", "/get", "/upload/abc", "/complete"]


def test_a_limit_is_waited_for_at_every_step(chat: Receiver) -> None:
    busy = answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "0"})
    chat.answers(busy, where(chat.url), busy, where(chat.url), answer(b"OK"), busy, SHOWN)
    (receipt,) = deliver([parcel(effect(chat.url))])
    assert receipt.status == "queued"
    until(lambda: not house(current()).outbox.entries())
    assert paths(chat) == ["/get", "/get", "/upload/abc", "/get", "/upload/abc", "/complete", "/complete"]


def test_what_was_refused_and_is_sent_again_by_hand_brings_the_file_anew(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"OK"), answer({"ok": False, "error": "file_not_found"}))
    assert send(effect(chat.url)).outcome == "refused"
    chat.answers(where(chat.url), answer(b"OK"), SHOWN)
    assert send(effect(chat.url)).outcome == "delivered"
    assert paths(chat) == ["/get", "/upload/abc", "/complete"] * 2


def test_an_upload_is_no_delivery(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"OK"), answer(b"", 500))
    (receipt,) = deliver([parcel(effect(chat.url))])
    assert (receipt.status, receipt.detail) == ("queued", "Queued, because Slack answered 500 Internal Server Error.")


def test_a_message_with_a_file_follows_in_the_thread_that_another_began(chat: Receiver) -> None:
    thread = {"thread": "C1/event", "thread_at": "ts", "thread_as": "thread_ts"}
    chat.answers(answer({"ok": True, "ts": "11.1"}), where(chat.url), answer(b"OK"), SHOWN)
    first = Post(url=f"{chat.url}/post", bearer=TOKEN, json={"text": "a"}, expect={"ok": True}, **thread)
    assert http.send(first, "a", time.monotonic() + 20).outcome == "delivered"
    assert send(effect(chat.url, thread_url=f"{chat.url}/post", **thread)).outcome == "delivered"
    assert chat.requests[3].json()["thread_ts"] == "11.1"


def test_it_is_as_small_as_its_destination_wants_and_says_its_own_length(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"OK"), SHOWN)
    assert send(fit(effect(chat.url), 100)).outcome == "delivered"
    asked, brought, _ = chat.requests
    assert len(brought.body) <= 100 and brought.body.decode().endswith("[cut]")
    assert asked.body.decode().endswith(f"&length={len(brought.body)}")


def test_where_not_even_its_name_fits_it_is_said(chat: Receiver) -> None:
    with pytest.raises(DeliveryError, match=r"does not fit into the destination's max_bytes \(30\)"):
        fit(effect(chat.url), 30)


def test_what_is_gathered_brings_no_file(chat: Receiver) -> None:
    one = effect(chat.url)
    assert from_json(to_json(one)) == one
    merged = digest.merge([one, one], 60)
    assert (merged.messages, merged.uploads, merged.file) == ((), (), {})
    chat.always(answer({"ok": True}))
    assert send(merged).outcome == "delivered"
    assert paths(chat) == ["/post"]


def test_a_dry_run_shows_the_file_and_no_secret(chat: Receiver) -> None:
    (receipt,) = deliver([parcel(effect(chat.url))], dry_run=True)
    assert receipt.detail.startswith("Would send chat (in 1 message, with a file): ")
    assert "évil.example" in receipt.detail and TOKEN not in receipt.detail
    assert paths(chat) == []


# --- where the file goes ----------------------------------------------------------------------------------------------

SLACK = "https://slack.com/api"


@pytest.mark.parametrize(
    "url", ["https://files.slack.com/upload/v1/A?b=1", "https://slack.com:443/x", "https://a.b.slack.com"]
)
def test_it_goes_to_the_service_and_what_is_below_it(url: str) -> None:
    assert uploads.refusal(url, SLACK) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/upload",
        "https://slack.com.evil.example/",
        "https://evilslack.com/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "http://files.slack.com/upload",
        "https://files.slack.com:8443/upload",
        "https://files.slack.com@evil.example/",
        "https://evil.example\\.slack.com/",
        "https://evil.example\\@files.slack.com/",
        "https://evil.example#.slack.com/",
        "https://evil.example?.slack.com/",
        "https://files.slack.com/a b",
        "https://files.slack.com/\r\nX: y",
        "https://files.sl\u0430ck.com/",
        "https://evil\u3002slack.com/",
        "file:///etc/passwd",
        "//files.slack.com/",
        "/upload",
        "",
        "https://",
        "https://[bad/",
    ],
)
def test_it_goes_nowhere_else(url: str) -> None:
    assert uploads.refusal(url, SLACK)


def test_nothing_is_below_an_address() -> None:
    assert uploads.refusal("http://1.127.0.0.1/x", "http://127.0.0.1/api")


@pytest.mark.parametrize("url", ["http://10.0.0.5", "https://localhost", "http://127.0.0.1:1"])
def test_another_host_gets_no_byte_of_it(chat: Receiver, url: str) -> None:
    chat.answers(where(url))
    (receipt,) = deliver([parcel(effect(chat.url))])
    assert receipt.status == "refused" and "for the file" in receipt.detail
    assert paths(chat) == ["/get"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "fd00::1", "::ffff:192.168.1.1", "169.254.169.254"])
def test_a_name_below_it_that_leads_into_the_house_is_not_asked(
    chat: Receiver, rules, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    rules('[networks]\nallow = ["private", "loopback"]\n')  # that is for what the settings name
    known = names.resolve

    def resolve(host: str, port: int, deadline: float) -> Any:
        return known(address if host == "files.localhost" else host, port, deadline)

    monkeypatch.setattr(sockets, "resolve", resolve)
    home = chat.url.replace("127.0.0.1", "localhost")
    chat.answers(where(home.replace("localhost", "files.localhost")))
    answered = send(effect(home))
    assert answered.outcome == "refused" and f"connections to {address} are not allowed" in answered.detail
    assert paths(chat) == ["/get"] and chat.connections == 1


def test_a_redirect_leads_to_no_other_host(chat: Receiver) -> None:
    chat.answers(where(chat.url), answer(b"", 307, {"Location": "http://10.0.0.5/"}))
    answered = send(effect(chat.url))
    assert answered.outcome == "refused" and "redirect to http://10.0.0.5" in answered.detail
    assert "/upload/abc" not in answered.detail


def test_its_address_is_a_secret(chat: Receiver, state: Path) -> None:
    chat.answers(where(chat.url), answer(b"OK"), SHOWN)
    assert send(effect(chat.url), "other").outcome == "delivered"
    kept = (state / "threads.sqlite3").read_bytes()
    assert b"F1" in kept and b"/upload/abc" not in kept
    chat.answers(where(chat.url), answer(f"gone: {chat.url}/upload/abc".encode(), 410, {"Content-Type": "text/plain"}))
    answered = send(effect(chat.url))
    assert answered.detail.startswith("the file was not taken: Slack answered 410 Gone: gone: ***")


def test_every_step_takes_the_proxy(program, certificate, chat: Receiver, rules) -> None:
    with proxy_kit.squid(program("squid"), certificate) as squid:
        rules(f'[destinations.far]\nproxy = "http://{USER}:{WRITTEN}@localhost:{squid.port}"\n')
        home = f"http://proxied.example:{chat.port}"
        chat.answers(where(f"http://chat.proxied.example:{chat.port}"), answer(b"OK"), SHOWN)
        assert send(effect(home, destination="far")).outcome == "delivered"
        hosts = [request.header("Host") for request in chat.requests]
        assert hosts == [
            f"{name}:{chat.port}" for name in ("proxied.example", "chat.proxied.example", "proxied.example")
        ]
        until(lambda: len([one for one in squid.asked() if one.startswith("POST")]) == 3)
