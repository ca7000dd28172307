"""What the threads of an outbox say when none of them can ask it: once, however many they are."""

from __future__ import annotations

import logging
import threading

import pytest

from misp_workflow.delivery.outbox import workers
from misp_workflow.delivery.outbox.workers import Workers
from misp_workflow.errors import DeliveryError


def test_a_trouble_of_all_threads_is_told_once_and_another_one_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "AFTER_TROUBLE", 0.01)
    asked, said = threading.Semaphore(0), ["The disk is full."]

    def fails() -> float:
        asked.release()
        raise DeliveryError(said[0])

    def tidy() -> None:
        fails()

    threads = Workers(4, fails, tidy, fails)
    with caplog.at_level(logging.ERROR, "misp_workflow"):
        threads.start()
        for sentence in ("The disk is full.", "It cannot be written."):
            said[0] = sentence
            for _ in range(40):
                assert asked.acquire(timeout=60)
        threads.stop(60)
    told = [one.getMessage() for one in caplog.records]
    assert told.count("The disk is full. What waits is tried again.") == 1
    assert told.count("It cannot be written. What waits is tried again.") == 1
