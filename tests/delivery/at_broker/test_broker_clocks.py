"""Machines that share a Redis and whose clocks differ: neither takes what the other one is trying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from brokers import Redis

pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")

from dramatiq import Message

from misp_workflow.delivery.outbox.at_broker.envelope import DIGEST
from misp_workflow.delivery.outbox.at_broker.redis import HEARTBEAT, RedisBackend


@pytest.mark.parametrize("fast", [-10 * HEARTBEAT, 10 * HEARTBEAT])
def test_a_clock_that_is_wrong_takes_nothing_from_another_machine(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: int
) -> None:
    from dramatiq.brokers import redis as theirs

    broker = Redis(program("redis-server"), tmp_path)
    here, there = RedisBackend(broker.url), RedisBackend(broker.url)
    right = theirs.current_millis
    try:
        here.broker.declare_queue("work")
        message: Message[None] = Message(
            queue_name="work", actor_name="deliver", args=({"tick": f"{DIGEST}x", "lane": "a"},), kwargs={}, options={}
        )
        here.broker.enqueue(message)
        monkeypatch.setattr(theirs, "current_millis", lambda: right() - max(-fast, 0))
        assert len(here.broker.do_fetch("work", 1)) == 1  # which is being tried now
        monkeypatch.setattr(theirs, "current_millis", lambda: right() + max(fast, 0))
        there.broker.maintenance_chance = 1_000_000  # looks for machines that are gone, each time
        assert list(there.broker.do_fetch("work", 1)) == []
        assert list(there.broker.do_fetch("work", 1)) == []
    finally:
        here.close()
        there.close()
        broker.stop()


def test_what_a_machine_had_that_is_gone_goes_to_another_all_the_same(program: Any, tmp_path: Path) -> None:
    broker = Redis(program("redis-server"), tmp_path)
    gone, there = RedisBackend(broker.url), RedisBackend(broker.url)
    try:
        gone.broker.declare_queue("work")
        message: Message[None] = Message(
            queue_name="work", actor_name="deliver", args=({"tick": f"{DIGEST}x", "lane": "a"},), kwargs={}, options={}
        )
        gone.broker.enqueue(message)
        assert len(gone.broker.do_fetch("work", 1)) == 1
        there.broker.maintenance_chance = 1_000_000
        there.broker.heartbeat_timeout = -1  # it has been silent for long enough
        assert len(there.broker.do_fetch("work", 1)) == 1
    finally:
        gone.close()
        there.close()
        broker.stop()
