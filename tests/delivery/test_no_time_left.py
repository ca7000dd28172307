"""A call that has hardly any time left when the outbox has taken it: it leaves the try to those who have more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer


@pytest.mark.parametrize(("slow", "status"), [(1.7, "queued"), (0.0, "delivered")])
def test_what_is_kept_is_not_tried_in_the_last_moment(
    receiver: Receiver,
    rules: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    slow: float,
    status: str,
) -> None:
    """It went out, its answer came too late, and so it went out again."""
    rules("[outbox]\nworkers = 2\n")
    receiver.always(answer(delay=0.4))
    box = house(current()).outbox
    put = box.put

    def slowly(*given: Any) -> Any:
        taken = put(*given)
        time.sleep(slow)
        return taken

    monkeypatch.setattr(box, "put", slowly)
    (receipt,) = deliver([parcel(receiver, "one")], deadline=time.monotonic() + 2.0)
    assert receipt.status == status
    until(lambda: box.entries() == [])
    assert len(receiver.requests) == 1
