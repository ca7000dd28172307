"""Digests at a broker: what comes at the last moment, what fails in between, and what their members are told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from brokers import Rabbit, Redis
from delivery_kit import parcel, until

from misp_workflow.delivery import digest
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox.at_broker.envelope import DIGEST, MAIN
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer

outboxes = pytest.importorskip("misp_workflow.delivery.outbox.dramatiq", reason="the extra 'queue' is not installed")
pytestmark = pytest.mark.waits


@pytest.fixture
def box(broker: Redis | Rabbit, rules: Callable[[str], None]) -> Iterator[Any]:
    sealed = f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n'
    rules(f"{sealed}[destinations.chat]\ndigest = 1\n")
    found: Any = house(current()).outbox
    yield found
    found.drop([entry.key for entry in found.entries()])


def say(receiver: Receiver, *keys: str) -> list[str]:
    told = []
    for key in keys:
        given = {"json": {"text": key}, "digest": ("json.text",), "destination": "chat"}
        told += [receipt.status for receipt in deliver([parcel(receiver, key, **given)])]
    return told


def said(receiver: Receiver) -> str:
    return "\n".join(request.json()["text"] for request in receiver.requests)


def test_what_is_added_while_its_digest_goes_is_not_left_behind(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was put where nobody fetched it before the next one came."""
    send = box._gatherings._send

    def slowly(queue: str, *given: Any) -> None:
        if queue.startswith(DIGEST):
            until(lambda: "early" in said(receiver))
        send(queue, *given)

    say(receiver, "early")
    monkeypatch.setattr(box._gatherings, "_send", slowly)
    say(receiver, "late")
    until(lambda: "late" in said(receiver))
    until(lambda: not box.anything_waits())


def test_what_gathered_is_still_there_after_a_bug(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "AFTER_A_BUG", 0.2)
    merge, bugs = digest.merge, [KeyError("a bug")]

    def once(*given: Any) -> Any:
        if bugs:
            raise bugs.pop()
        return merge(*given)

    monkeypatch.setattr(digest, "merge", once)
    say(receiver, "one", "two")
    until(lambda: "one" in said(receiver))
    assert "two" in said(receiver)
    assert not bugs


def test_the_members_of_a_digest_share_its_end(box: Any, receiver: Receiver) -> None:
    """They were told that they had been sent, from when the digest was made, and also when it was refused."""
    receiver.answers(answer(status=404))
    assert say(receiver, "a", "b") == ["queued", "queued"]
    # it is among the dead before its members are forgotten
    until(lambda: [entry.state for entry in box.entries()] == ["dead"] and not box._turns.taken)
    assert say(receiver, "a", "b") == ["queued", "queued"]
    assert say(receiver, "a") == ["skipped"]
    receiver.wait_for(2)
    until(lambda: not box.anything_waits())
    assert say(receiver, "a", "b") == ["skipped", "skipped"]
    assert [len(one.json()["text"].splitlines()) for one in receiver.requests] == [3, 3]


def test_a_digest_of_which_some_could_not_be_removed_tells_nothing_twice(box: Any, receiver: Receiver) -> None:
    """Killed in between, or cut off: what was left behind came again in the next digest."""
    given = {"json": {"text": "x"}, "digest": ("json.text",), "destination": "chat"}
    queue = f"{DIGEST}0123456789abcdef"
    box._broker.declare_queue(queue)
    for key in ("left", "behind"):
        item = outboxes.Item(parcel=parcel(receiver, key, **given), lane="chat", max_age=3600, gather=1.0)
        box._send(queue, box._letters.of(item))
    gathered = box._backend.gathered

    @contextlib.contextmanager
    def cut_off(*given: Any) -> Iterator[Any]:
        with gathered(*given) as (found, _):
            yield found, lambda: None

    box._backend.gathered = cut_off
    until(lambda: bool(box._gatherings.merge({"tick": queue, "lane": "chat", "put off": True}) or merged(box)))
    box._backend.gathered = gathered
    box._gatherings.merge({"tick": queue, "lane": "chat", "put off": True})
    assert len(merged(box)) == 1


def merged(box: Any) -> list[str]:
    return [one["key"] for queue, one in box._backend.look() if queue == MAIN and "members" in one]
