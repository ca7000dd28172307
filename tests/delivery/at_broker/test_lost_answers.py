"""A Redis that does what it is asked to, and whose answer is lost: nothing is sent twice of it, or stays behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import Redis
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox import Claim, Item
from misp_workflow.delivery.outbox.at_broker.envelope import DIGEST, MAIN
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer

pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
Lost = pytest.importorskip("redis.exceptions").ConnectionError
pytestmark = pytest.mark.waits


@pytest.fixture
def broker(program: Any, tmp_path: Path) -> Iterator[Redis]:
    found = Redis(program("redis-server"), tmp_path)
    yield found
    found.stop()


@pytest.fixture
def box(broker: Redis, rules: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("misp_workflow.delivery.outbox.at_broker.asking.BEFORE_ANOTHER_GO", 0.05)
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    rules(f'answer_within = 8\n[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all share"\nworkers = 4\n')
    yield house(current()).outbox


def envelope(box: Any, receiver: Receiver, key: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = box._letters.of(Item(parcel=parcel(receiver, key, **fields), lane="a", max_age=7200))
    return made


def lose_one_answer(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, when: Callable[..., bool]) -> None:
    """Let the function do what it does, and break off then, once."""
    function, left = getattr(where, name), [1]

    def lossy(*given: Any) -> Any:
        found = function(*given)
        if when(*given) and left:
            raise Lost(f"lost {left.pop()}")
        return found

    monkeypatch.setattr(where, name, lossy, raising=False)


def test_what_is_put_back_is_there_once(box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one_answer(monkeypatch, box._broker, "do_enqueue", lambda *given: True)
    box._put_back(envelope(box, receiver, "once"), 3600.0, None)
    assert [entry.key for entry in box.entries()] == ["once"]


def test_a_digest_is_made_once(box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = f"{DIGEST}0123456789abcdef"
    box._broker.declare_queue(queue)
    for key in ("one", "two"):
        box._send(queue, envelope(box, receiver, key, json={"text": key}, digest=("json.text",)))
    lose_one_answer(monkeypatch, box._broker, "do_enqueue", lambda place, *given: place == MAIN)
    box._ask.insist(lambda: box._gatherings.merge({"tick": queue, "lane": "a", "put off": True}))
    assert [(place, len(one["members"])) for place, one in box._backend.look()] == [(MAIN, 2)]


def test_what_comes_meanwhile_does_not_bring_a_digest_once_more(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another one among them, they were another digest."""
    queue = f"{DIGEST}0123456789abcdef"
    box._broker.declare_queue(queue)

    def say(*keys: str) -> None:
        for key in keys:
            box._send(queue, envelope(box, receiver, key, json={"text": key}, digest=("json.text",)))

    say("one", "two")
    lose_one_answer(monkeypatch, box._broker, "do_enqueue", lambda place, *given: place == MAIN)
    with pytest.raises(Lost):
        box._gatherings.merge({"tick": queue, "lane": "a", "put off": True})
    say("three")
    box._gatherings.merge({"tick": queue, "lane": "a", "put off": True})
    found = [one.get("members", one["key"]) for place, one in box._backend.look() if place == MAIN]
    assert sorted(found, key=str) == [["one", "two"], "three"]


def test_what_was_sent_is_known_to_be_before_anybody_may_try_it_again(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it was sent could not be noted in this moment; then it came back over the next connection."""
    note, troubles = box._backend.note, [Lost("away"), Lost("still away")]

    def away(*given: Any) -> None:
        if troubles:
            raise troubles.pop()
        note(*given)

    monkeypatch.setattr(box._backend, "note", away)
    made, tried = envelope(box, receiver, "sent"), []

    def handle(claim: Claim) -> None:
        tried.append(claim.parcel.key)
        box.done(claim)

    for _ in range(2):
        box._deliver(made, handle, lambda entry: None)
    assert tried == ["sent"]


def test_what_died_is_known_to_be_before_anybody_may_try_it_again(box: Any, receiver: Receiver) -> None:
    made = envelope(box, receiver, "refused")
    for _ in range(2):
        box._deliver(made, lambda claim: box.bury(claim, "no"), lambda entry: None)
    assert [entry.state for entry in box.entries()] == ["dead"]


def test_what_is_being_tried_when_a_connection_breaks_is_given_to_nobody_else(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    back: list[str] = []
    requeue = box._broker.do_requeue
    monkeypatch.setattr(box._broker, "do_requeue", lambda *given: back.extend(given) or requeue(*given), raising=False)
    receiver.answers(answer(delay=3.0))
    deliver([parcel(receiver, "tried")], mode="queue")
    receiver.wait_for(1)
    worker = house(current()).workers._worker  # type: ignore[attr-defined]
    before = worker.consumers[MAIN].consumer

    def is_renewed() -> bool:
        box._backend._client.client_kill_filter(_type="normal", skipme=True)
        return worker.consumers[MAIN].consumer is not before

    until(is_renewed)
    assert back == []
    until(lambda: box.entries() == [])
    assert len(receiver.requests) == 1


def test_what_was_fetched_by_an_answer_that_was_lost_is_fetched_again(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was nobody's until the process ended."""
    monkeypatch.setattr("misp_workflow.delivery.outbox.at_broker.redis.TAKE_UP_EVERY", 0.2)
    deliver([parcel(receiver, "first")], mode="queue")
    receiver.wait_for(1)  # so there is somebody who fetches
    made, client = envelope(box, receiver, "fetched"), box._backend._client
    body = {"queue_name": MAIN, "actor_name": "deliver", "args": [made], "kwargs": {}, "message_id": "m"}
    sent = json.dumps({**body, "options": {"redis_message_id": made["serial"]}, "message_timestamp": 0})
    client.hset(f"misp-workflow:{MAIN}.msgs", made["serial"], sent)
    client.sadd(f"misp-workflow:__acks__.{box._broker.broker_id}.{MAIN}", made["serial"])
    receiver.wait_for(2, timeout=300)
    until(lambda: box.entries() == [])


def test_what_a_broker_took_that_is_gone_when_it_should_be_taken_back_is_not_sent(
    box: Any, receiver: Receiver, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MISP had heard no; then it was sent once the broker was back, or said to wait when it was asked for again."""
    send = box._send

    def last(*given: Any) -> None:
        send(*given, 2.0)  # so no worker of ours is quicker
        box._backend.note("late", "waiting", 600.0)
        broker.kill()
        raise Lost("gone")

    with monkeypatch.context() as patch:
        patch.setattr(box, "_send", last)
        with pytest.raises(DeliveryError, match="cannot be used: gone"):
            deliver([parcel(receiver, "late")], mode="queue")
    until(lambda: not box._ask._threads._work_queue.qsize())
    broker.start()
    until(lambda: not box.anything_waits())
    assert receiver.requests == []
    assert deliver([parcel(receiver, "late")])[0].status == "delivered"


def test_what_misp_was_told_no_of_stands_on_no_page(box: Any, receiver: Receiver, broker: Redis) -> None:
    """It was shown as waiting until somebody fetched it, which may be tomorrow where a digest goes once a day."""
    from misp_workflow.delivery.outbox.at_broker.redis import RedisBackend

    queue = f"{DIGEST}0123456789abcdef"
    box._broker.declare_queue(queue)
    unwanted, wanted = envelope(box, receiver, "unwanted"), envelope(box, receiver, "wanted")
    box._send(queue, unwanted)
    box._send(queue, wanted)
    box._take_back([unwanted])
    box._backend.say()
    other = RedisBackend(broker.url)  # the command is another process
    assert [one["key"] for _, one in other.look()] == ["wanted"]
    other.close()
    assert [entry.key for entry in box.entries()] == ["wanted"]


def test_what_is_given_up_before_it_is_put_is_not_put(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = box._backend.known

    def slowly(key: str) -> Any:
        found = known(key)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(box._backend, "known", slowly)
    put: list[Any] = []
    monkeypatch.setattr(box, "_send", lambda *given: put.append(given))
    with pytest.raises(DeliveryError, match="did not answer in time"):
        deliver([parcel(receiver, "slow")], mode="queue", deadline=time.monotonic() + 0.1)
    box._ask._threads.shutdown(wait=True)
    assert put == []
