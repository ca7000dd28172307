"""The same asked twice at once in one process: each call hears what became of it, not what could have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import islice

import pytest
from delivery_kit import parcel

from misp_workflow.delivery.deliver import deliver
from misp_workflow.effects import Receipt
from misp_workflow.testing.receiver import Answer, Received, Receiver, answer

PARCELS = ("one", "two")


@pytest.fixture
def second_of(receiver: Receiver) -> Callable[..., tuple[Receipt, Receipt]]:
    """Returns a function that asks for the same while it is tried, and gives both receipts."""

    def ask(first: Answer, **second: object) -> tuple[Receipt, Receipt]:
        receiver.answers(first)
        with ThreadPoolExecutor(1) as caller:
            one: Future[list[Receipt]] = caller.submit(deliver, [parcel(receiver, "same")])
            receiver.wait_for(1)
            (two,) = deliver([parcel(receiver, "same")], **second)  # type: ignore[arg-type]
            return one.result()[0], two

    return ask


def test_what_the_first_delivered_the_second_need_not(second_of: Callable[..., tuple[Receipt, Receipt]]) -> None:
    first, second = second_of(answer(delay=0.5))
    assert (first.status, second.status) == ("delivered", "skipped")
    assert second.detail.startswith("Already sent")


@pytest.mark.parametrize("mode", ["wait", "queue"])
def test_what_the_first_was_refused_the_second_does_not_call_queued(
    second_of: Callable[..., tuple[Receipt, Receipt]], receiver: Receiver, mode: str
) -> None:
    """It heard that the same waits to be delivered, and nothing waited."""
    first, second = second_of(answer(status=404, delay=0.5), mode=mode)
    assert (first.status, second.status) == ("refused", "delivered" if mode == "wait" else "queued")
    receiver.wait_for(2)


def test_what_the_first_leaves_to_the_workers_waits_for_both(
    second_of: Callable[..., tuple[Receipt, Receipt]],
) -> None:
    first, second = second_of(answer(status=503, delay=0.5, headers={"Retry-After": "60"}))
    assert (first.status, second.status) == ("queued", "skipped")
    assert second.detail.startswith("Already queued")


def test_the_second_waits_no_longer_than_it_has_time(
    second_of: Callable[..., tuple[Receipt, Receipt]], receiver: Receiver
) -> None:
    began = time.monotonic()
    first, second = second_of(answer(delay=3.0), deadline=began + 1.0)
    assert (first.status, second.status) == ("delivered", "skipped")
    assert second.detail.startswith("Already on its way")


def test_only_one_of_many_waits(receiver: Receiver) -> None:
    """misp-modules has few threads, and a gate may want one of them meanwhile."""
    goes_on = threading.Event()

    def respond(_: Received) -> Answer:
        goes_on.wait(60)
        return answer()

    receiver.always(respond)
    with ThreadPoolExecutor(6) as callers:
        end = time.monotonic() + 60
        calls = [callers.submit(deliver, [parcel(receiver, "same")], deadline=end) for _ in range(6)]
        told = [call.result()[0] for call in islice(as_completed(calls, timeout=60), 4)]
        goes_on.set()
        late = [call.result()[0] for call in calls if call.result()[0] not in told]
    assert {(one.status, one.detail) for one in told} == {
        ("skipped", "Already on its way: another call asks for the same.")
    }
    assert sorted(one.status for one in late) == ["delivered", "skipped"]
    assert len(receiver.requests) == 1


def test_calls_about_several_things_do_not_wait_for_each_other_for_ever(receiver: Receiver) -> None:
    receiver.always(answer(delay=0.2))
    told: list[str] = []

    def ask(keys: tuple[str, ...]) -> None:
        told.extend(one.status for one in deliver([parcel(receiver, key) for key in keys]))

    calls = [threading.Thread(target=ask, args=(keys,)) for keys in (PARCELS, PARCELS[::-1])]
    for call in calls:
        call.start()
    for call in calls:
        call.join(60)
    assert sorted(told) == ["delivered"] * 2 + ["skipped"] * 2
