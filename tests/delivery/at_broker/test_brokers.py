"""The outbox on dramatiq, against a real Redis and a real RabbitMQ."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import Brokers, Rabbit, Redis
from delivery_kit import parcel, until

from misp_workflow import delivery
from misp_workflow.delivery import breaker, retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox import Claim, Entry, Item
from misp_workflow.delivery.outbox.at_broker.envelope import DIGEST
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Answer, Received, Receiver, answer

pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
pytestmark = pytest.mark.waits
SECRET = "xoxb-very-secret-token"
KEY = "a pass phrase that all of them share"


@pytest.fixture
def shared(broker: Redis | Rabbit, rules) -> Iterator[Callable[[str], None]]:
    """Lets this process use the broker; returns a function that adds settings."""
    base = f'[outbox]\nurl = "{broker.url}"\nkey = "{KEY}"\n'
    rules(base)
    yield lambda more: rules(base + more)
    box = house(current()).outbox
    box.drop([entry.key for entry in box.entries()])


def entries(state: str = "") -> list[Entry]:
    return house(current()).outbox.entries(state)


def test_delivered_at_once_is_never_put(receiver: Receiver, shared) -> None:
    (receipt,) = deliver([parcel(receiver, "d1")])
    assert receipt.status == "delivered"
    assert entries() == []
    (again,) = deliver([parcel(receiver, "d1")])
    assert again.detail == "Already sent: the same was delivered a moment ago."


def test_queued_is_delivered_by_a_worker(receiver: Receiver, shared) -> None:
    receipts = [deliver([parcel(receiver, f"q{n}")], mode="queue")[0] for n in range(20)]
    assert {receipt.status for receipt in receipts} == {"queued"}
    got = receiver.wait_for(20, timeout=300)
    assert sorted(request.header("Idempotency-Key") for request in got) == sorted(f"q{n}" for n in range(20))
    until(lambda: entries() == [])


def test_what_fails_is_tried_again_and_told_of(receiver: Receiver, shared) -> None:
    receiver.answers(answer(status=503), answer(status=429, headers={"Retry-After": "1"}))
    (receipt,) = deliver([parcel(receiver, "f1", bearer=SECRET, secrets=(SECRET,))])
    assert (receipt.status, receipt.detail) == ("queued", "Queued, because Slack answered 503 Service Unavailable.")
    assert len(receiver.wait_for(3, timeout=300)) == 3
    until(lambda: entries() == [])


def test_a_try_that_begins_before_the_last_one_has_ended_is_not_forgotten(receiver: Receiver, shared) -> None:
    """What the first put back another worker has at once: the end of the first must not take it from that one's hands."""
    box = house(current()).outbox
    envelope = box._letters.of(Item(parcel=parcel(receiver, "o1"), lane="a", max_age=7200))
    second_has_it, first_is_over = threading.Event(), threading.Event()

    def second(claim: Claim) -> None:
        second_has_it.set()
        assert first_is_over.wait(60)
        box.again(claim, 3600, "the second try failed")

    def first(claim: Claim) -> None:
        box.again(claim, 3600, "the first try failed")
        other.start()
        assert second_has_it.wait(60)

    other = threading.Thread(target=box._deliver, args=({**envelope, "serial": "2"}, second, lambda entry: None))
    box._deliver(envelope, first, lambda entry: None)
    first_is_over.set()
    other.join()
    assert sorted(entry.reason for entry in entries()) == ["the first try failed", "the second try failed"]


def test_refused_later_is_a_dead_letter_that_can_live_again(receiver: Receiver, shared, state: Path) -> None:
    receiver.answers(answer(status=404))
    deliver([parcel(receiver, "x1", bearer=SECRET, secrets=(SECRET,))], mode="queue")
    until(lambda: [entry.state for entry in entries()] == ["dead"])
    box = house(current()).outbox
    (dead,) = box.entries("dead")
    assert (dead.key, dead.reason, dead.tries) == ("x1", "Slack answered 404 Not Found: check the address.", 1)
    entry, effect = box.show("x1")
    assert (entry.label, effect.bearer) == ("Slack message", SECRET)
    with pytest.raises(KeyError):
        box.show("nothing")
    totals = box.totals()
    assert totals.counts == {(receiver.url, "dead"): 1}
    assert box.requeue(["x1", "nothing"]) == 1
    receiver.wait_for(2, timeout=300)
    until(lambda: entries() == [])
    assert "delivered" in (state / "delivery.log").read_text()


def test_refused_at_once_is_an_error_and_nothing_stays(receiver: Receiver, shared) -> None:
    receiver.answers(answer(status=401))
    (receipt,) = deliver([parcel(receiver, "r1")])
    assert receipt.status == "refused"
    assert entries() == []
    assert deliver([parcel(receiver, "r1")])[0].status == "delivered"


def test_what_waits_can_be_seen_hurried_and_dropped(receiver: Receiver, shared) -> None:
    receiver.answers(*[answer(status=503, headers={"Retry-After": "600"})] * 2)
    deliver([parcel(receiver, "w1"), parcel(receiver, "w2", url=receiver.url.replace("127.0.0.1", "localhost"))])
    box = house(current()).outbox
    until(lambda: len(entries()) == 2)
    waiting = {entry.key: entry for entry in entries("waiting")}
    assert waiting["w1"].reason == "Slack answered 503 Service Unavailable."
    assert waiting["w1"].due > time.time() + 500
    assert waiting["w1"].tries == 1
    assert [entry.key for entry in box.drop(["w1"])] == ["w1"]
    assert [entry.key for entry in entries()] == ["w2"]
    delivery.stop()  # the lanes of this process remember that they were asked for silence
    house(current()).workers.start()
    assert house(current()).outbox.requeue(["w2"]) == 1
    receiver.wait_for(3, timeout=300)
    until(lambda: entries() == [])
    deliver([parcel(receiver, "w3")])  # whatever else a worker had in its hands came before this
    receiver.wait_for(4, timeout=300)
    assert len(receiver.requests) == 4


def test_nothing_readable_is_at_the_broker(receiver: Receiver, shared, broker: Redis | Rabbit) -> None:
    receiver.answers(answer(status=404))
    deliver([parcel(receiver, "s1", bearer=SECRET)], mode="queue")
    until(lambda: [entry.state for entry in entries()] == ["dead"])
    found = list(house(current()).outbox._backend.look())
    assert len(found) == 1
    assert SECRET not in repr(found)


def test_a_digest_gathers_from_two_processes(receiver: Receiver, shared, broker: Redis | Rabbit) -> None:
    shared("[destinations.chat]\ndigest = 4\n")
    code = (
        "import sys, time\n"
        "from misp_workflow.delivery.deliver import deliver\n"
        "from misp_workflow.effects import Parcel, Post\n"
        "for n in range(50):\n"
        "    post = Post(label='m', url=sys.argv[1], json={'text': f'other {n}'}, digest=('json.text',),"
        " destination='chat')\n"
        "    deliver([Parcel(key=f'other-{n}', effect=post, action='slack_message', created=time.time())])\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, receiver.url])
    for n in range(50):
        message = {"text": f"ours {n}"}
        deliver([parcel(receiver, f"g{n}", destination="chat", json=message, digest=("json.text",))])
    assert other.wait(60) == 0

    def told() -> int:
        return sum(int(request.json()["text"].split()[0]) for request in receiver.requests)

    until(lambda: told() >= 100)
    assert told() == 100
    assert len(receiver.requests) < 10
    until(lambda: entries() == [])


def test_the_tick_of_another_process_ends_no_digest_early_and_nobody_loops_when_nothing_has_gathered(
    receiver: Receiver, shared, broker: Redis | Rabbit
) -> None:
    shared("[destinations.early]\ndigest = 4\n")
    box = house(current()).outbox
    tick = {"tick": DIGEST + hashlib.sha256(b"early").hexdigest()[:16], "lane": "early"}
    box._gatherings.merge(tick)  # raised on RabbitMQ, again and again, and held a worker for ever
    given = {"digest": ("json.text",), "destination": "early"}
    deliver([parcel(receiver, "one", json={"text": "one"}, **given)])
    if isinstance(broker, Rabbit):  # on Redis all processes know of one tick
        box._gatherings.merge(tick)
    deliver([parcel(receiver, "two", json={"text": "two"}, **given)])
    (message,) = receiver.wait_for(1, timeout=300)
    assert "one" in message.json()["text"]
    assert "two" in message.json()["text"]
    until(lambda: entries() == [])


def test_a_broker_that_is_away_is_an_error_and_nothing_is_sent(receiver: Receiver, rules) -> None:
    rules(f'[outbox]\nurl = "redis://:hush@127.0.0.1:1/0"\nkey = "{KEY}"\n')
    with pytest.raises(DeliveryError, match=r"The outbox at redis://127.0.0.1:1/0 cannot be used") as caught:
        deliver([parcel(receiver)])
    assert "hush" not in str(caught.value)
    assert receiver.requests == []


def test_a_broker_that_breaks_down_during_the_first_try_hides_nothing_of_that_try(
    receiver: Receiver, program, tmp_path: Path, rules
) -> None:
    """The service may have taken it without an answer: an error about the broker alone would be half of the truth."""
    redis = Redis(program("redis-server"), tmp_path)
    rules(f'answer_within = 2\n[outbox]\nurl = "{redis.url}"\nkey = "{KEY}"\n')

    def taken(request: Received) -> Answer:
        if request.header("Idempotency-Key") == "second":
            redis.kill()
            return answer(delay=60.0)
        return answer()

    receiver.always(taken)
    try:
        first, second = deliver([parcel(receiver, "first"), parcel(receiver, "second")])
        assert first.status == "delivered"
        assert (second.status, second.unsure) == ("refused", True)
        assert re.fullmatch(
            r"Slack did not answer within \S+ s; nobody tries it again: The outbox at redis://\S+ cannot be used: .*",
            second.detail,
        )
    finally:
        delivery.stop()


def test_a_broker_needs_a_key_that_all_share(receiver: Receiver, rules) -> None:
    rules('[outbox]\nurl = "redis://127.0.0.1:1/0"\n')
    with pytest.raises(DeliveryError, match=r"set outbox.key too"):
        deliver([parcel(receiver)])


def test_redis_without_an_append_only_file_is_told_of(program, tmp_path: Path, rules) -> None:
    redis = Redis(program("redis-server"), tmp_path, append=False)
    try:
        rules(f'[outbox]\nurl = "{redis.url}"\nkey = "{KEY}"\n')
        (notice,) = house(current()).outbox.notices()
        assert notice.startswith("Redis keeps no append-only file")
    finally:
        delivery.stop()
        redis.stop()


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_broker_that_is_killed_in_between_loses_nothing(
    kind: str, receiver: Receiver, brokers: Brokers, rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST_REST", 0.5)  # so much falls due while the broker is away
    monkeypatch.setattr(retry, "LONGEST_WAIT", 2.0)
    with brokers(kind) as broker:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "{KEY}"\n')
        receiver.always(answer(status=503))
        receipts = [deliver([parcel(receiver, f"k{n}")], mode="queue")[0] for n in range(30)]
        assert {receipt.status for receipt in receipts} == {"queued"}
        receiver.wait_for(3, timeout=300)
        broker.kill()
        receiver.always(answer())
        broker.start()
        until(lambda: {r.header("Idempotency-Key") for r in receiver.requests} == {f"k{n}" for n in range(30)}, 240)
        until(lambda: entries() == [], 240)  # what comes twice may wait for a later try first
        delivery.stop()


def test_a_member_that_cannot_be_read_does_not_stop_its_digest(
    receiver: Receiver, rules, broker: Redis | Rabbit
) -> None:
    """After a change of key, say."""
    settings = f'[outbox]\nurl = "{broker.url}"\nkey = "{{}}"\n[destinations.chat]\ndigest = 2\n'
    given = {"digest": ("json.text",), "destination": "chat"}
    rules(settings.format(KEY))
    deliver([parcel(receiver, "old", json={"text": "old"}, **given)])
    delivery.stop()  # whoever has fetched it already could read it still
    rules(settings.format("another pass phrase that all of them share"))
    for number in range(2):
        deliver([parcel(receiver, f"new-{number}", json={"text": f"new {number}"}, **given)])

    def told() -> str:  # in one message, or in two when the first was fetched before the second came
        return "".join(request.json()["text"] for request in receiver.requests)

    until(lambda: "new 0" in told() and "new 1" in told())
    assert "old" not in told()
    until(lambda: [(entry.key, entry.state) for entry in entries()] == [("old", "dead")])
    assert "sealed with another key" in entries()[0].reason
    house(current()).outbox.drop(["old"])


WRONG: tuple[tuple[str, Any], ...] = (
    ("created", "x"), ("created", None), ("expires", []), ("expires", {}), ("tries", "many"), ("tries", -1), ("lane", 5),
    ("reason", {}), ("serial", []), ("sealed", 7), ("action", None), ("event", []), ("events", 7), ("once", "x"),
)  # fmt: skip


def test_an_envelope_with_wrong_values_dies_with_its_reason(receiver: Receiver, shared, broker: Redis | Rabbit) -> None:
    outbox = house(current()).outbox
    sound = outbox._letters.of(Item(parcel=parcel(receiver, "x"), lane="a", max_age=3600))
    for number, (name, value) in enumerate(WRONG):
        outbox._send("misp-workflow", {**sound, "key": f"bad-{number}", "serial": str(number), name: value})
    for odd in ({"key": [1]}, {"tick": 5}, {"tick": "misp-workflow"}, {"tick": "misp-workflow-dead", "lane": "a"}):
        outbox._send("misp-workflow", odd)
    deliver([parcel(receiver, "well")], mode="queue")
    receiver.wait_for(1, timeout=300)
    until(lambda: len(entries("dead")) >= len(WRONG))
    reasons = {entry.key: entry.reason for entry in entries("dead")}
    for number, (name, _) in enumerate(WRONG):
        assert f"damaged ({name})" in reasons[f"bad-{number}"]
    assert [request.header("Idempotency-Key") for request in receiver.requests] == ["well"]
    outbox.drop([entry.key for entry in entries()])


def test_whoever_has_the_broker_cannot_lead_one_message_to_anothers_destination(
    receiver: Receiver, rules, broker: Redis | Rabbit
) -> None:
    """The envelopes say that they belong together; what is sealed says that they do not."""
    rules(f'[outbox]\nurl = "{broker.url}"\nkey = "{KEY}"\n[destinations.chat]\ndigest = 1\n')
    outbox, queue = house(current()).outbox, "misp-workflow-digest-0123456789abcdef"
    outbox._broker.declare_queue(queue)
    with Receiver() as other:
        for place, key in ((receiver, "red"), (other, "clear")):
            made = parcel(place, key, json={"text": key}, digest=("json.text",), destination="chat")
            envelope = outbox._letters.of(Item(parcel=made, lane="chat", max_age=3600))
            outbox._send(queue, {**envelope, "bundle": "one"})
        outbox._send("misp-workflow", {"tick": queue, "lane": "chat"})
        deliver([parcel(receiver, "go", json={"text": "go"})], mode="queue")  # and with it the workers begin
        receiver.wait_for(2, timeout=300)
        other.wait_for(1, timeout=300)
        assert sorted(one.json()["text"] for one in receiver.requests) == ["go", "red"]
        assert [one.json()["text"] for one in other.requests] == ["clear"]


def test_what_is_alone_in_its_digest_is_not_taken_for_sent(receiver: Receiver, shared, broker: Redis | Rabbit) -> None:
    """It goes on under its own key, so a worker that found it noted as sent would throw it away."""
    outbox, queue = house(current()).outbox, f"{DIGEST}alone"
    outbox._broker.declare_queue(queue)
    made = parcel(receiver, "alone", json={"text": "alone"}, digest=("json.text",))
    outbox._send(queue, outbox._letters.of(Item(parcel=made, lane="a", max_age=3600)))

    def is_merged() -> bool:
        outbox._gatherings.merge({"tick": queue, "lane": "a"})
        return ("misp-workflow", "alone") in {(place, one.get("key")) for place, one in outbox._backend.look()}

    until(is_merged)
    assert outbox._backend.known("alone") != "sent"
    deliver([parcel(receiver, "after", json={"text": "after"})], mode="queue")
    until(lambda: {one.json()["text"] for one in receiver.requests} == {"alone", "after"})


def test_a_message_that_is_none_stops_neither_workers_nor_commands(receiver: Receiver, rules, brokers: Brokers) -> None:
    """On Redis; RabbitMQ hands out what it was given, or nothing."""
    redis = pytest.importorskip("redis").Redis
    with brokers("redis") as broker, redis.from_url(broker.url) as client:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "{KEY}"\n')
        for number, body in enumerate((b"\xff garbage", b"[]", b'{"queue_name": 5}')):
            client.hset("misp-workflow:misp-workflow.msgs", f"bad-{number}", body)
            client.rpush("misp-workflow:misp-workflow", f"bad-{number}")
        assert len(entries()) == 3, "people see that there is something"
        deliver([parcel(receiver, "good")], mode="queue")
        receiver.wait_for(1, timeout=300)
        until(lambda: [entry.state for entry in entries()] == ["dead"] * 3)
        assert all("damaged" in entry.reason for entry in entries())
        delivery.stop()
