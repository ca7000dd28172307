"""What waits for a destination that the settings do not name any more: nothing goes there, and everybody sees why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from brokers import Brokers
from delivery_kit import parcel, until

from misp_workflow.delivery import retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer

KNOWN = '[destinations.chat]\nproxy = "none"\n'


@pytest.fixture(params=["sqlite", "redis", "rabbitmq"])
def outbox(request: pytest.FixtureRequest, brokers: Brokers):
    """Each kind of outbox, as the settings write it."""
    if request.param == "sqlite":
        yield "[outbox]\nworkers = 2\n"
        return
    pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
    with brokers(request.param) as broker:
        yield f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n'


@pytest.mark.waits
def test_it_waits_with_the_reason_until_the_destination_is_back(
    outbox: str, receiver: Receiver, rules: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went to where an operator had ended it, without the proxy that was written there."""
    monkeypatch.setattr(retry, "LONGEST_WAIT", 1.0)
    rules(outbox + KNOWN)
    receiver.answers(answer(status=503))
    assert deliver([parcel(receiver, "one", destination="chat")])[0].status == "queued"
    rules(outbox + KNOWN.replace("chat", "chats"))

    def reasons() -> str:
        return " ".join(entry.reason for entry in house(current()).outbox.entries("waiting"))

    until(lambda: "No destination is called “chat”" in reasons())
    before = len(receiver.requests)  # one that was under way may have come
    until(lambda: any(entry.tries > before + 1 for entry in house(current()).outbox.entries("waiting")))
    assert len(receiver.requests) == before
    rules(outbox + KNOWN)
    until(lambda: len(receiver.requests) == before + 1)
    until(lambda: house(current()).outbox.entries() == [])
