"""A Redis that answers and takes nothing: its memory or its disk is full, it is a replica now, it is too old."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import Redis
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.ledger import Sent, background
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver

redis = pytest.importorskip("redis", reason="the extra 'queue' is not installed")

EVENT, OTHER = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c", "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5d"


@pytest.fixture
def broker(program: Any, tmp_path: Path) -> Iterator[Redis]:
    found = Redis(program("redis-server"), tmp_path)
    yield found
    found.stop()


@pytest.fixture
def operator(broker: Redis) -> Iterator[Any]:
    with redis.Redis.from_url(broker.url) as client:
        yield client


@pytest.fixture
def book(broker: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from misp_workflow.delivery.ledger.redis import RedisLedger

    monkeypatch.setattr(background, "AGAIN_AFTER", 0.05)
    found = RedisLedger(broker.url, 3600.0)
    yield found
    found.close()


def row(item: str, event: str = EVENT) -> Sent:
    now = time.time()
    return Sent(event=event, item=item, destination="siem", action="elastic_document", first=now, at=now)


REFUSING = {
    "its memory is full": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
    "it is a replica": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "too few replicas": (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSING)
def test_rows_that_redis_refuses_are_kept_until_it_takes_them_and_nobody_hears_less_before(
    why: str, book: Any, operator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """They were lost, so what had been sent could not be taken back."""
    refuse, take = REFUSING[why]
    operator.execute_command(*refuse)
    with caplog.at_level(logging.ERROR):
        assert book.note([row("a"), row("b")])
        until(lambda: "what was sent is kept in memory until it can" in caplog.text)
    with pytest.raises(DeliveryError, match="is behind"):
        list(book.of(EVENT))
    assert not book.note([row("c")], now=True), "who must be sure is told, and it is kept all the same"
    operator.execute_command(*take)

    def told() -> list[str]:
        with contextlib.suppress(DeliveryError):
            return sorted(one.item for one in book.of(EVENT))
        return []

    until(lambda: told() == ["a", "b", "c"])
    assert "Rows are missing" not in caplog.text


def test_another_programs_value_costs_the_rows_of_one_event_only(
    book: Any, operator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    operator.set(f"misp-workflow:sent:{EVENT}", "another program's")
    with caplog.at_level(logging.ERROR):
        book.note([row("a"), row("b", OTHER)])
        book.settle(20.0)
    assert [one.item for one in book.of(OTHER)] == ["b"]
    assert f"Rows of event {EVENT} are lost" in caplog.text


# --- what MISP hears --------------------------------------------------------------------------------------------------

TOO_OLD = (
    "Error running script (call to f_61f91d1c9eae51584704d201c43885b90b0d8365): @user_script:12: Write commands not allowed"
    " after non deterministic commands."
)
TOLD = {
    "its memory is full": "its memory is full (maxmemory)",
    "it is a replica": "it is a replica, which takes nothing",
}


@pytest.fixture
def using(broker: Redis, rules: Callable[[str], None]) -> Iterator[Any]:
    rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n')
    yield house(current()).outbox


@pytest.mark.parametrize("why", TOLD)
def test_why_redis_takes_nothing_is_said_in_plain_words(
    why: str, using: Any, operator: Any, receiver: Receiver
) -> None:
    refuse, take = REFUSING[why]
    operator.execute_command(*refuse)
    with pytest.raises(DeliveryError) as caught:
        deliver([parcel(receiver, "one")], mode="queue")
    assert str(caught.value).endswith(f"/0 cannot be used: {TOLD[why]}.")
    operator.execute_command(*take)
    assert deliver([parcel(receiver, "one")], mode="queue")[0].status == "queued"
    assert len(receiver.wait_for(1)) == 1


def test_a_redis_that_is_too_old_is_told_of(using: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*given: Any) -> None:
        raise redis.ResponseError(TOO_OLD)

    monkeypatch.setattr(using._broker, "do_enqueue", refuses, raising=False)
    with pytest.raises(DeliveryError, match="cannot be used: it is an older Redis than version 5"):
        deliver([parcel(receiver, "one")], mode="queue")
    info = using._backend._client.info
    monkeypatch.setattr(using._backend._client, "info", lambda name: {**info(name), "redis_version": "4.0.14"})
    assert using.notices() == ["Nothing can be put into this Redis 4.0.14: install version 5 or newer."]
