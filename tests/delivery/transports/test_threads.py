"""Messages about one event form one thread, and a lost thread loses no message."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from misp_workflow import settings
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.request import threads
from misp_workflow.effects import Post
from misp_workflow.testing import Receiver, answer


def post(receiver: Receiver, thread: str = "C1/event-a", bearer: str = "xoxb-1") -> Post:
    return Post(url=f"{receiver.url}/chat.postMessage", bearer=bearer, json={"text": "hello"}, expect={"ok": True},
                error_at="error", thread=thread, thread_at="ts", thread_as="thread_ts")  # fmt: skip


def send(one: Post) -> str:
    return http.send(one, "key", time.monotonic() + 5).outcome


def sent(receiver: Receiver) -> list[str | None]:
    return [request.json().get("thread_ts") for request in receiver.requests]


@pytest.fixture
def slack(receiver: Receiver) -> Receiver:
    receiver.always(answer({"ok": True, "ts": "17.1"}))
    return receiver


def test_the_first_message_begins_and_the_next_ones_follow(slack: Receiver) -> None:
    slack.answers(answer({"ok": True, "ts": "11.1"}), answer({"ok": True, "ts": "22.2"}))
    assert [send(post(slack)) for _ in range(3)] == ["delivered"] * 3
    assert sent(slack) == [None, "11.1", "11.1"]


def test_threads_are_apart_by_event_channel_and_credentials(slack: Receiver) -> None:
    for one in (post(slack), post(slack, "C1/event-b"), post(slack, "C2/event-a"), post(slack, bearer="xoxb-2")):
        send(one)
    assert sent(slack) == [None] * 4


def test_a_thread_that_is_gone_begins_anew(slack: Receiver) -> None:
    send(post(slack))
    slack.answers(answer({"ok": False, "error": "thread_not_found"}), answer({"ok": True, "ts": "33.3"}))
    assert send(post(slack)) == "delivered"
    send(post(slack))
    assert sent(slack) == [None, "17.1", None, "33.3"]


def test_a_failed_message_begins_nothing(slack: Receiver) -> None:
    slack.answers(answer({"ok": False, "error": "channel_not_found", "ts": "9.9"}), answer(b"", 500))
    assert [send(post(slack)) for _ in range(3)] == ["refused", "again", "delivered"]
    assert sent(slack) == [None, None, None]


def test_the_file_is_private_and_names_nothing(slack: Receiver) -> None:
    send(post(slack))
    path = Path(settings.current().state_folder) / threads.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(word in path.read_bytes() for word in (b"xoxb-1", b"event-a", b"C1"))


def test_without_the_file_messages_go_out_all_the_same(slack: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    folder = Path(settings.current().state_folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / threads.FILE).mkdir()
    assert [send(post(slack)) for _ in range(2)] == ["delivered"] * 2
    assert sent(slack) == [None, None] and "Threads are not remembered" in caplog.text


def test_old_threads_are_forgotten(slack: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    send(post(slack))
    monkeypatch.setattr(threads, "FORGOTTEN_AFTER", -1.0)
    send(post(slack))
    assert sent(slack) == [None, None]
