"""An outbox that was closed calls its broker no more: a thread in the middle of a try keeps still until the end."""

from __future__ import annotations

import threading

import pytest
from delivery_kit import until

outboxes = pytest.importorskip("misp_workflow.delivery.outbox.dramatiq", reason="the extra 'queue' is not installed")


def test_a_closed_outbox_leaves_a_broker_that_is_gone_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "BEFORE_ANOTHER_GO", 0.01)
    box = object.__new__(outboxes.DramatiqOutbox)  # no broker is needed to find none
    box._troubles, box._name, box._ending = (ConnectionError,), "amqp://127.0.0.1:9", threading.Event()
    asked: list[int] = []

    def gone() -> None:
        asked.append(1)
        if len(asked) == 3:
            box._ending.set()
        raise ConnectionError

    worker = threading.Thread(target=box._insist, args=(gone,), daemon=True)
    worker.start()
    until(lambda: len(asked) >= 3)
    worker.join(0.3)
    assert worker.is_alive(), "had it ended, the message would count as done"
    assert len(asked) == 3, "by now another worker may have it: it would be sent twice"
