"""A connection to the broker that breaks hands out again what was fetched over it: nothing is lost of it, or doubled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from brokers import Rabbit, Redis
from delivery_kit import parcel, until

from misp_workflow.delivery import breaker, retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox import Claim, Item
from misp_workflow.delivery.outbox.at_broker.envelope import MAIN
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer

pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
pytestmark = pytest.mark.waits


@pytest.fixture
def box(broker: Redis | Rabbit, rules: Callable[[str], None]) -> Iterator[Any]:
    rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\nworkers = 4\n')
    found: Any = house(current()).outbox
    yield found
    found.drop([entry.key for entry in found.entries()])


def envelope(box: Any, receiver: Receiver, key: str, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = box._letters.of(Item(parcel=parcel(receiver, key), lane="a", max_age=7200))
    return {**made, **changes}


def keys(messages: list[Any]) -> list[str]:
    return [message.args[0]["key"] for message in messages]


def fetched(consumer: Any, number: int) -> list[Any]:
    found: list[Any] = []

    def is_there() -> bool:
        found.extend(message for message in [next(consumer)] if message is not None)
        return len(found) == number

    until(is_there)
    return found


def test_the_end_of_what_came_over_an_earlier_connection_takes_no_other_message_away(box: Any, receiver: Receiver):
    """RabbitMQ numbers each connection's messages from one on: another one went, and was lost when the process died."""
    for key in ("first", "slow", "other"):
        box._send(MAIN, envelope(box, receiver, key))
    before = box._broker.consume(MAIN, 2, 100)
    first, slow = fetched(before, 2)
    before.ack(first)
    before.close()
    now = box._broker.consume(MAIN, 2, 100)
    assert sorted(keys(fetched(now, 2))) == ["other", "slow"]
    now.ack(slow)  # as dramatiq does: over whatever connection there is then
    now.close()
    again = box._broker.consume(MAIN, 2, 100)
    assert sorted(keys(fetched(again, 2))) == ["other", "slow"]
    again.close()


def test_what_a_broken_connection_brings_twice_does_not_become_two(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    monkeypatch.setattr(breaker, "MOST_FAILURES", 10_000)
    monkeypatch.setattr(retry, "LONGEST_WAIT", 0.5)
    monkeypatch.setattr("misp_workflow.delivery.outbox.at_broker.asking.BEFORE_ANOTHER_GO", 0.05)
    receiver.always(answer(status=503, delay=0.3))
    for number in range(16):
        deliver([parcel(receiver, f"k{number}")], mode="queue")
    for round in range(1, 9):
        receiver.wait_for(4 * round)
        consumers = house(current()).workers._worker.consumers  # type: ignore[attr-defined]
        break_connection(box, consumers[MAIN].consumer)
    receiver.wait_for(len(receiver.requests) + 16)  # what the last one cut off has been made good
    house(current()).workers.stop(30)
    # What stands there twice, on its way from queue to queue, or is over already, is left alone when its turn comes.
    there = {(one["key"], one["serial"]) for _, one in box._backend.look()}
    found = Counter(key for key, serial in there if not box._backend.is_over(key, serial))
    assert found == {f"k{number}": 1 for number in range(16)}


def break_connection(box: Any, consumer: Any) -> None:
    if hasattr(consumer, "connection"):
        consumer.connection.add_callback_threadsafe(consumer.connection.close)
    else:
        box._backend._client.client_kill_filter(_type="normal", skipme=True)


def test_of_the_same_twice_at_once_the_second_waits_for_the_first(box: Any, receiver: Receiver) -> None:
    """Both were tried; and when the first was refused and the second was to be tried again, that one was lost."""
    receiver.answers(answer(status=404, delay=1.0), answer(status=503))
    told: list[str] = []
    first = threading.Thread(target=lambda: told.extend(one.status for one in deliver([parcel(receiver, "same")])))
    first.start()
    receiver.wait_for(1)
    assert deliver([parcel(receiver, "same")])[0].status == "queued"
    assert told == ["refused"]
    first.join()
    receiver.wait_for(3, timeout=300)
    until(lambda: not box.anything_waits())
    assert deliver([parcel(receiver, "same")])[0].status == "skipped"


def test_what_the_broker_took_after_the_caller_was_told_no_is_not_sent(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, send = threading.Event(), box._send

    def slowly(*given: Any) -> None:
        until(is_over.is_set)
        send(*given)

    with monkeypatch.context() as patch:
        patch.setattr(box, "_send", slowly)
        with pytest.raises(DeliveryError, match="did not answer in time"):
            deliver([parcel(receiver, "late")], mode="queue", deadline=time.monotonic() + 0.3)
        is_over.set()
        until(lambda: [entry.key for entry in box.entries()] in (["late"], []))
    deliver([parcel(receiver, "after")], mode="queue")
    receiver.wait_for(1)
    until(lambda: not box.anything_waits())
    assert [one.header("Idempotency-Key") for one in receiver.requests] == ["after"]
    assert deliver([parcel(receiver, "late")])[0].status == "delivered"


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
@pytest.mark.parametrize("end", ["again", "bury"])
def test_what_is_dropped_while_a_worker_tries_it_does_not_come_back(box: Any, receiver: Receiver, end: str) -> None:
    made = envelope(box, receiver, "dropped")
    box._send("misp-workflow-dead", made)  # anywhere that nobody works on

    def tried(claim: Claim) -> None:
        assert [entry.key for entry in box.drop(["dropped"])] == ["dropped"]
        if end == "again":
            box.again(claim, 3600, "it failed")
        else:
            box.bury(claim, "it was refused")

    box._deliver(made, tried, lambda entry: None)
    assert box.entries() == []


def test_what_the_broker_took_too_late_after_a_failed_try_is_not_said_to_wait(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same asked again was "already queued" for the whole window, and nobody sent it."""
    is_over, sent, send = threading.Event(), threading.Event(), box._send

    def slowly(*given: Any) -> None:
        is_over.wait(30)
        send(*given)
        sent.set()

    monkeypatch.setattr(box, "_send", slowly)
    receiver.answers(answer(status=503))
    one = parcel(receiver, "too late")
    assert deliver([one], deadline=time.monotonic() + 1.0)[0].status == "refused"
    until(box._ask._threads._work_queue.empty)
    time.sleep(0.2)  # what was begun has been taken back
    is_over.set()
    assert sent.wait(30)
    time.sleep(0.2)  # whoever put it has noted what there is to note
    assert deliver([one])[0].status == "delivered"
