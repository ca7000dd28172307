"""An outbox that was closed calls its broker no more: a thread in the middle of a try keeps still until the end."""

from __future__ import annotations

import threading

import pytest
from delivery_kit import until

from misp_workflow.delivery.outbox.at_broker import asking


def test_a_closed_outbox_leaves_a_broker_that_is_gone_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BEFORE_ANOTHER_GO", 0.01)
    ending = threading.Event()
    ask = asking.Asking("amqp://127.0.0.1:9", (ConnectionError,), ending)
    asked: list[int] = []

    def gone() -> None:
        asked.append(1)
        if len(asked) == 3:
            ending.set()
        raise ConnectionError

    worker = threading.Thread(target=ask.insist, args=(gone,), daemon=True)
    worker.start()
    until(lambda: len(asked) >= 3)
    worker.join(0.3)
    assert worker.is_alive(), "had it ended, the message would count as done"
    assert len(asked) == 3, "by now another worker may have it: it would be sent twice"


def test_a_redis_that_is_gone_when_something_falls_due_does_not_end_the_thread_for_what_waits() -> None:
    """It died of it now and then, and what waited was not delivered before the process was started again."""
    pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
    from dramatiq import Message
    from dramatiq.worker import ConsumerThread, _WorkQueueItem

    from misp_workflow.delivery.outbox.at_broker.redis import RedisBackend

    broker = RedisBackend("redis://127.0.0.1:1/0").broker
    waiting = Message("misp-workflow.DQ", "deliver", (), {}, {"redis_message_id": "one"})
    thread = ConsumerThread(
        broker=broker, queue_name=waiting.queue_name, prefetch=1, work_queue=None, worker_timeout=100
    )
    thread.consumer = broker.consumer_class(broker, waiting.queue_name, 1, 100)
    thread.delay_queue.put(_WorkQueueItem(0, waiting))
    thread.close()  # as after each error
