"""A RabbitMQ without memory or disk left: it takes nothing, but what it has is worked on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from brokers import Brokers
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox import Item
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver

pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
pytestmark = pytest.mark.waits

MAIN = "misp-workflow"


def test_what_is_done_while_it_is_full_is_acknowledged(
    receiver: Receiver, rules: Callable[[str], None], brokers: Brokers
) -> None:
    """What fetches also published, so RabbitMQ did not listen to it; its connection ended, and others sent it again."""
    with brokers("rabbitmq") as broker:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\nworkers = 2\n')
        box: Any = house(current()).outbox
        box._backend._parameters.blocked_connection_timeout = 1
        deliver([parcel(receiver, "first")], mode="queue")
        receiver.wait_for(1)
        worker = house(current()).workers._worker  # type: ignore[attr-defined]
        began = time.monotonic()
        for seconds in (4, 8):  # what is due meanwhile is moved, or tried to be
            later = Item(parcel=parcel(receiver, f"in {seconds}"), lane="a", max_age=7200)
            box._send(MAIN, box._letters.of(later), float(seconds))
        with broker.alarm():  # type: ignore[union-attr]
            with pytest.raises(DeliveryError, match="The outbox at amqp://"):
                deliver([parcel(receiver, "new")], mode="queue", deadline=time.monotonic() + 1.0)
            before = worker.consumers[MAIN].consumer
            time.sleep(max(began + 11.0 - time.monotonic(), 0.0))
            assert worker.consumers[MAIN].consumer is before
        receiver.wait_for(3)
        until(lambda: not box.anything_waits())
        assert sorted(str(one.header("Idempotency-Key")) for one in receiver.requests) == ["first", "in 4", "in 8"]
