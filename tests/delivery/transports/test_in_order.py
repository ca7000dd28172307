"""One message in several: in order, also after a failure and a kill, and none of them twice."""

from __future__ import annotations

import json
import time
from email.parser import BytesParser

import pytest
from delivery_kit import until

from misp_workflow.delivery import retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.guard import fit
from misp_workflow.delivery.transports import messages
from misp_workflow.effects import Messages, Parcel, Post
from misp_workflow.settings import current
from misp_workflow.testing.receiver import HANG, Receiver, answer


def parcel(receiver: Receiver, number: int = 3) -> Parcel:
    told = tuple({"json": {"text": f"part {n}"}} for n in range(1, number + 1))
    effect = Messages(label="chat", service="Chat", url=receiver.url, json={"text": "all"}, messages=told,
                      key_at="header:Key", expect={"ok": True})  # fmt: skip
    return Parcel(key="k", effect=effect, action="slack_message", created=time.time())


def sent(receiver: Receiver) -> list[str]:
    return [request.json()["text"].removeprefix("part ") for request in receiver.requests]


@pytest.fixture
def chat(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    receiver.always(answer({"ok": True}))
    return receiver


def test_all_are_delivered_in_order_with_a_key_each(chat: Receiver) -> None:
    (receipt,) = deliver([parcel(chat)])
    assert (receipt.status, receipt.detail) == ("delivered", "Chat: 3 messages were delivered.")
    assert sent(chat) == ["1", "2", "3"]
    assert len({request.header("Key") for request in chat.requests}) == 3
    (again,) = deliver([parcel(chat)])
    assert again.status == "skipped"
    assert len(chat.requests) == 3


def test_after_a_failure_the_rest_follows_in_order(chat: Receiver) -> None:
    chat.answers(answer({"ok": True}), answer(b"", 503), answer({"ok": True}), answer(b"", 429))
    (receipt,) = deliver([parcel(chat, 4)])
    assert receipt.status == "queued"
    assert receipt.detail.startswith("1 of 4 messages were delivered, the rest follows: Chat answered 503")
    until(lambda: not house(current()).outbox.entries())
    assert sent(chat) == ["1", "2", "2", "3", "3", "4"]
    keys = [request.header("Key") for request in chat.requests]
    assert keys[1] == keys[2] and keys[3] == keys[4] and len(set(keys)) == 4


def test_what_is_refused_ends_it_and_is_a_dead_letter(chat: Receiver) -> None:
    chat.answers(answer({"ok": True}), answer(b"", 400))
    (receipt,) = deliver([parcel(chat)])
    assert receipt.detail.startswith("1 of 3 messages were delivered, the rest was refused: Chat answered 400")
    assert sent(chat) == ["1", "2"]
    until(lambda: [entry.state for entry in house(current()).outbox.entries()] == ["dead"])
    (dead,) = house(current()).outbox.entries()
    assert dead.label == "chat (2 of 3)"
    assert house(current()).outbox.requeue([dead.key]) == 1
    until(lambda: not house(current()).outbox.entries())
    assert sent(chat) == ["1", "2", "2", "3"]


def test_a_refusal_of_the_first_is_an_error(chat: Receiver) -> None:
    chat.answers(answer(b"", 404))
    (receipt,) = deliver([parcel(chat)])
    assert receipt.status == "refused"
    assert sent(chat) == ["1"]


def test_who_was_killed_after_the_first_goes_on_with_the_second(chat: Receiver) -> None:
    chat.answers(answer({"ok": True}), HANG)
    effect = parcel(chat).effect
    # nobody tells the outbox of this answer, as when the process ends here
    assert messages.send(effect, "k", time.monotonic() + 6).again == (1, 2)
    assert messages.send(effect, "k", time.monotonic() + 60).outcome == "delivered"
    assert sent(chat) == ["1", "2", "2", "3"]
    assert messages.send(effect, "another", time.monotonic() + 60).outcome == "delivered"
    assert sent(chat)[4:] == ["1", "2", "3"], "another message with the same words is another one"


def test_who_has_no_time_left_does_not_call_the_other_side_ill(chat: Receiver) -> None:
    answered = messages.send(parcel(chat).effect, "k", time.monotonic() + messages.ENOUGH)
    assert (answered.outcome, answered.again, answered.down) == ("part", (1, 2), False)
    assert answered.detail == "1 of 3 messages were delivered, the rest follows: there was no time left for more"
    assert sent(chat) == ["1"]


def test_a_dry_run_says_how_many_and_shows_them(chat: Receiver) -> None:
    (receipt,) = deliver([parcel(chat)], dry_run=True)
    assert receipt.detail.startswith("Would send chat (in 3 messages): ")
    assert "part 1" in receipt.detail and "part 3" in receipt.detail and '"all"' not in receipt.detail
    assert sent(chat) == []


def test_each_is_as_small_as_its_destination_wants(chat: Receiver) -> None:
    effect = parcel(chat).effect
    long = Messages(**{**vars(effect), "messages": ({"json": {"text": "x" * 900}}, {"form": {"text": "y" * 900}})})
    first, second = fit(long, 100).messages
    assert len(first["json"]["text"]) < 100 and len(second["form"]["text"]) < 100


def test_a_file_goes_in_the_same_request_and_no_text_ends_its_part(chat: Receiver) -> None:
    text = '--boundary--\r\nContent-Disposition: form-data; name="token"\r\n\r\nü'
    file = {"field": "files[0]", "name": "event-1.txt", "text": text, "json_in": "payload_json"}
    post = Post(label="chat", service="Chat", url=chat.url, json={"text": "short"}, file=file, expect={"ok": True})
    (receipt,) = deliver([Parcel(key="k", effect=post, action="discord_message", created=time.time())])
    assert receipt.status == "delivered"
    (request,) = chat.requests
    told = BytesParser().parsebytes(
        b"Content-Type: " + str(request.header("Content-Type")).encode() + b"\n\n" + request.body
    )
    about, sent_file = told.get_payload()
    assert about.get_param("name", header="Content-Disposition") == "payload_json"
    assert json.loads(about.get_payload()) == {"text": "short"}
    assert sent_file.get_filename() == "event-1.txt"
    assert sent_file.get_payload(decode=True).decode() == text
    assert fit(post, 20).file["text"].endswith("[cut]")
