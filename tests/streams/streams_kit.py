"""What the tests of message brokers share."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from misp_workflow.delivery.transports.streams import amqp, kafka, mqtt, nats, redis

# What clients leave to the collector is no fault of the test during which it is found.
LEFT_BEHIND = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
Start = Callable[..., int]


def record(topic: str, number: int = 0, body: str | None = "{}", **more: object) -> dict[str, object]:
    return {"id": f"uuid-{number}/1", "topic": topic, "key": f"uuid-{number}", "body": body, **more}


def deadline(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def how(outcomes: list) -> list[str]:
    return [one.how for one in outcomes]


SYSTEMS = {
    amqp: "amqp://127.0.0.1:{port}",
    kafka: "kafka://127.0.0.1:{port}",
    mqtt: "mqtt://127.0.0.1:{port}",
    nats: "nats://127.0.0.1:{port}",
    redis: "redis://127.0.0.1:{port}",
}
