"""An outbox at a broker, seen from several processes: what others have in their hands is there, and stays there."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from brokers import Rabbit, Redis
from delivery_kit import parcel, until
from hurry import REDIS, hurried

from misp_workflow.delivery.deliver import resume
from misp_workflow.delivery.outbox import Item, Outbox, open_outbox
from misp_workflow.delivery.outbox.at_broker.envelope import MAIN
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import HANG, Receiver, answer

dramatiq = pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
pika = pytest.importorskip("pika", reason="the extra 'queue' is not installed")
pytestmark = pytest.mark.waits


@pytest.fixture
def box(broker: Redis | Rabbit, rules) -> Iterator[Any]:
    """The outbox as somebody sees it who has no workers."""
    rules(f'answer_within = 60\n[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n')
    found = open_outbox(current())
    yield found
    found.drop([entry.key for entry in found.entries()])
    found.close()


@pytest.fixture
def worker(box: Outbox, broker: Redis | Rabbit, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a process that works on the same outbox."""
    started = []
    environment = {**os.environ, **(hurried(tmp_path, *REDIS) if isinstance(broker, Redis) else {})}

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-m", "misp_workflow", "outbox", "work"], env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def put(box: Outbox, receiver: Receiver, *keys: str) -> None:
    items = [Item(parcel=parcel(receiver, key), lane="a", max_age=3600.0) for key in keys]
    assert box.put(items, time.monotonic() + 60) == ["taken"] * len(keys)


def test_what_another_process_has_in_its_hands_still_waits(box: Outbox, receiver: Receiver, worker) -> None:
    receiver.always(HANG)
    put(box, receiver, "one", "two")
    assert box.anything_waits()
    other = worker()
    receiver.wait_for(2, timeout=300)
    assert box.anything_waits()
    other.kill()
    other.wait()
    receiver.always(answer())
    worker()
    until(lambda: not box.anything_waits(), 120)
    assert {request.header("Idempotency-Key") for request in receiver.requests[2:]} == {"one", "two"}


def test_a_server_that_nobody_calls_takes_over_what_another_left(box: Outbox, receiver: Receiver) -> None:
    resume()  # as it starts: nothing waits yet
    put(box, receiver, "left")
    receiver.wait_for(1, timeout=300)
    until(lambda: not box.anything_waits())


def test_a_server_that_starts_before_its_broker_works_all_the_same(
    box: Outbox, broker: Redis | Rabbit, receiver: Receiver
) -> None:
    put(box, receiver, "kept")
    broker.kill()
    resume()
    broker.start()
    receiver.wait_for(1, timeout=300)
    until(lambda: not box.anything_waits())


def test_all_see_everything_who_look_at_once(box: Outbox, receiver: Receiver) -> None:
    keys = [f"k{number}" for number in range(20)]
    put(box, receiver, *keys)
    others = [open_outbox(current()) for _ in range(3)]
    with ThreadPoolExecutor(3) as lookers:
        seen = lookers.map(lambda number: [entry.key for entry in others[number % 3].entries()], range(9))
        assert all(sorted(found) == sorted(keys) for found in seen)
    for other in others:
        other.close()


def test_a_broker_that_fails_in_the_middle_of_a_repair_loses_nothing(
    box: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, receiver, "i", "ii", "iii")
    send, sent = box._send, []

    def fail(*given: Any) -> None:
        if sent:
            raise ConnectionResetError("the broker is gone")
        sent.append(given)
        send(*given)

    with monkeypatch.context() as patch:
        patch.setattr(box, "_send", fail)
        with pytest.raises(DeliveryError, match="the broker is gone"):
            box.requeue(["i", "ii", "iii"])
    assert sorted(entry.key for entry in box.entries()) == ["i", "ii", "iii"]
    assert box.requeue(["i", "ii", "iii"]) == 3
    assert sorted(entry.key for entry in box.entries()) == ["i", "ii", "iii"]


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_what_falls_due_while_rabbitmq_is_killed_is_not_lost(
    box: Any, broker: Rabbit, receiver: Receiver, worker
) -> None:
    receiver.always(HANG)
    keys: set[str] = set()
    envelope = box._letters.of(Item(parcel=parcel(receiver, "x"), lane="a", max_age=3600.0))

    def have_moved() -> int:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            return int(connection.channel().queue_declare(MAIN, passive=True).method.message_count)

    def seen() -> set[str]:
        try:
            return {entry.key for entry in box.entries()}
        except DeliveryError:  # it takes connections before its queues are ready
            return set()

    for start in (0, 150):  # a hundred move at once, so some wait still when the first have moved
        for number in range(start, start + 150):
            keys.add(f"m{number}")
            box._put_back({**envelope, "key": f"m{number}"}, 1.0, None)
        before = have_moved()
        process = worker()
        until(lambda before=before: have_moved() > before + 60)
        broker.kill()
        process.kill()
        process.wait()
        broker.start()
        until(lambda: seen() >= keys, 120)
    assert seen() == keys


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_what_an_older_version_let_wait_is_seen_and_gets_out(box: Any, broker: Rabbit, receiver: Receiver) -> None:
    envelope = box._letters.of(Item(parcel=parcel(receiver, "old"), lane="a", max_age=3600.0))
    box._broker.declare_queue(MAIN, ensure=True)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        to = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": MAIN, "x-message-ttl": 4000}
        channel.queue_declare("misp-workflow-wait-4", durable=True, arguments=to)
        message = dramatiq.Message(queue_name=MAIN, actor_name="deliver", args=(envelope,), kwargs={}, options={})
        channel.basic_publish("", "misp-workflow-wait-4", message.encode())
    assert [entry.key for entry in box.entries()] == ["old"]
    resume()
    receiver.wait_for(1, timeout=300)
    until(lambda: not box.anything_waits())


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_worker_that_cannot_be_asked_leaves_no_connection_behind(broker: Rabbit):
    from dramatiq.errors import ConnectionClosed

    from misp_workflow.delivery.outbox.at_broker import hands
    from misp_workflow.delivery.outbox.at_broker.rabbitmq import RabbitBackend

    backend = RabbitBackend(broker.url)
    backend.broker.declare_queue(hands.MAIN, ensure=True)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.exchange_delete(hands.HANDS)
        channel.exchange_declare(hands.HANDS, "direct")  # somebody else's
        before = open_connections()
        try:
            with pytest.raises(ConnectionClosed) as raised:
                backend.broker.consume(hands.MAIN)
            assert open_connections() == before, raised.value
        finally:
            channel.exchange_delete(hands.HANDS)
            backend.close()


def open_connections() -> int:
    """How many there are; one that was never made has nothing inside."""
    connections = [one for one in gc.get_objects() if isinstance(one, pika.BlockingConnection)]
    return sum(one._impl is not None and one.is_open for one in connections)
