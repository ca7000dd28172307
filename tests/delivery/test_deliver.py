"""What the one door promises: a true receipt, in time, whatever the other side does."""

from __future__ import annotations

import time

from misp_workflow.delivery.deliver import deliver
from misp_workflow.effects import Parcel, Post
from misp_workflow.testing.receiver import HANG, Receiver, answer


def parcel(receiver: Receiver, key: str = "k1", **fields) -> Parcel:
    effect = Post(**{"label": "Slack message", "service": "Slack", "url": receiver.url, **fields})
    return Parcel(key=key, effect=effect, action="slack_message", created=time.time())


def test_delivered_says_so(receiver: Receiver) -> None:
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.detail, receipt.key) == ("delivered", "Slack answered 200 OK", "k1")


def test_refused_says_why(receiver: Receiver) -> None:
    receiver.always(answer(status=401))
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.detail) == ("refused", "Slack answered 401 Unauthorized: check the token")
    assert not receipt.accepted


def test_a_dry_run_sends_nothing(receiver: Receiver) -> None:
    (receipt,) = deliver([parcel(receiver)], dry_run=True)
    assert receipt.status == "dry-run"
    assert receiver.requests == []


def test_all_share_one_deadline(receiver: Receiver) -> None:
    receiver.always(HANG)
    start = time.monotonic()
    receipts = deliver([parcel(receiver, f"k{n}") for n in range(50)], deadline=start + 0.3)
    assert time.monotonic() - start < 15, "fifty deadlines instead of one"
    assert len(receipts) == 50
    assert len(receiver.requests) == 1
