"""Functions that the delivery tests share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from misp_workflow.effects import Parcel, Post
from misp_workflow.testing.receiver import Receiver


def parcel(receiver: Receiver, key: str = "k1", **fields: Any) -> Parcel:
    """A message to the receiver; its key travels in the header Idempotency-Key."""
    given = {"label": "Slack message", "service": "Slack", "url": receiver.url, "key_at": "header:Idempotency-Key"}
    return Parcel(key=key, effect=Post(**{**given, **fields}), action="slack_message", created=time.time())


def until(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    """Return as soon as the condition holds; fail when it does not come about.

    To ask a broker takes it and us processor time, which what is waited for needs: half of the time nobody asks.
    """
    end = time.monotonic() + seconds
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(min(max(0.02, time.monotonic() - began), 0.5))
        began = time.monotonic()


def is_root() -> bool:
    """Whether permissions do not hold for us."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
