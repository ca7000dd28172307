"""Settings that name another outbox while the process runs: what is being tried stays with the one who tries it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from brokers import Brokers
from delivery_kit import parcel, until

from misp_workflow.delivery import deliver as door
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.house import House
from misp_workflow.delivery.outbox import workers as threads
from misp_workflow.delivery.outbox.on_disk import lease
from misp_workflow.effects import Receipt
from misp_workflow.settings import Settings, current
from misp_workflow.testing.receiver import Receiver, answer

Rules = Callable[[str], None]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must outlast a try lasts a fraction of it."""
    monkeypatch.setattr(door, "GRACE", 0.05)
    monkeypatch.setattr(threads, "TIDY_EVERY", 0.1)
    monkeypatch.setattr(lease, "LEASE", 1.0)
    monkeypatch.setattr(lease, "RENEW", 0.2)


def moved(rules: Rules) -> House:
    """Let the settings name the same file with other numbers, and have the house that is there now at work."""
    before = house(current())
    rules("answer_within = 8\n[outbox]\nworkers = 3\n")
    after = house(current())
    assert after is not before
    after.workers.start()
    return after


def test_what_a_worker_tries_is_not_tried_by_the_next_house_too(receiver: Receiver, rules: Rules, quick: None) -> None:
    rules("answer_within = 8\n[outbox]\nworkers = 2\n")
    receiver.answers(answer(delay=3.0))
    deliver([parcel(receiver, "w1")], mode="queue")
    receiver.wait_for(1)
    box = moved(rules).outbox
    until(lambda: box.entries() == [])
    assert [request.header("Idempotency-Key") for request in receiver.requests] == ["w1"]


def test_what_a_call_tries_is_not_tried_by_the_next_house_too(receiver: Receiver, rules: Rules, quick: None) -> None:
    rules("answer_within = 8\n[outbox]\nworkers = 2\n")
    receiver.answers(answer(delay=3.0))
    receipts: list[Receipt] = []
    call = threading.Thread(target=lambda: receipts.extend(deliver([parcel(receiver, "c1")])))
    call.start()
    receiver.wait_for(1)
    box = moved(rules).outbox
    call.join()
    until(lambda: box.entries() == [])
    assert [receipt.status for receipt in receipts] == ["delivered"]
    assert [request.header("Idempotency-Key") for request in receiver.requests] == ["c1"]


def test_what_a_worker_tries_from_a_broker_is_not_given_to_another(
    receiver: Receiver, rules: Rules, quick: None, brokers: Brokers
) -> None:
    pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
    with brokers("rabbitmq") as broker:
        base = f'answer_within = 8\n[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n'
        rules(base + "workers = 2\n")
        receiver.answers(answer(delay=3.0))
        deliver([parcel(receiver, "b1")], mode="queue")
        receiver.wait_for(1)
        rules(base + "workers = 3\n")
        house(current()).workers.start()
        deliver([parcel(receiver, "b2")], mode="queue")
        receiver.wait_for(2, timeout=300)
        until(lambda: not house(current()).outbox.anything_waits())
        assert sorted(request.header("Idempotency-Key") or "" for request in receiver.requests) == ["b1", "b2"]


@pytest.mark.parametrize("finishes", [True, False])
def test_what_fetches_has_ended_before_its_connection_is_closed(
    monkeypatch: pytest.MonkeyPatch, finishes: bool
) -> None:
    """Without an end, when the process ended: closing waited for what the other thread had read, and for ever."""
    stub = pytest.importorskip("dramatiq.brokers.stub", reason="the extra 'queue' is not installed")
    from dramatiq.worker import ConsumerThread

    from misp_workflow.delivery.outbox.at_broker.broker_workers import BrokerWorkers
    from misp_workflow.delivery.outbox.at_broker.envelope import MAIN

    fetching: list[bool] = []
    monkeypatch.setattr(ConsumerThread, "close", lambda self: fetching.append(self.is_alive()))
    broker = stub.StubBroker(middleware=[])
    broker.declare_queue(MAIN)
    workers = BrokerWorkers(broker, 1, threading.Event())
    workers.start()
    if finishes:
        workers.finish()
    workers.stop(0.001)
    assert fetching
    assert not any(fetching)


def test_a_call_with_the_settings_of_before_does_not_bring_the_house_of_before_back(rules: Rules) -> None:
    """What was queued meanwhile lay in the other outbox, which nobody looked into before the next call."""
    rules("[outbox]\nworkers = 2\n")
    old = current()
    rules("[outbox]\nworkers = 3\n")
    new = house(current())
    with door._at_work(old) as keeper:
        assert keeper is new
        assert not new.callers.are_gone()
    assert new.callers.are_gone()


def test_a_call_does_not_go_round_while_settings_change(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    rules("[outbox]\nworkers = 2\n")
    first, made = house(current()), []

    def changed(wanted: Settings, **given: bool) -> House:
        made.append(1)
        found = house(wanted, **given)
        if len(made) < 5:  # as another thread does in just this moment
            rules(f"[outbox]\nworkers = {len(made) + 2}\n")
            house(current())
        return found

    monkeypatch.setattr(door, "house", changed)
    with door._at_work(current()) as keeper:
        assert keeper is first
        assert not keeper.callers.are_gone()
    assert len(made) == 1
