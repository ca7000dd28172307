"""The envelope in which the dramatiq outbox puts an effect, and the queues that it travels through."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import dramatiq

from misp_workflow.delivery.outbox.base import Entry

MAIN = "misp-workflow"
DEAD = "misp-workflow-dead"
DIGEST = "misp-workflow-digest-"
DAMAGED = "This message at the broker is damaged, so it was not sent."

Envelope = dict[str, Any]
"""What a message holds: see `Letters.of`."""


def anew(envelope: Envelope) -> Envelope:
    now = time.time()
    new = {**envelope, "tries": 0, "reason": "", "created": now, "due": now, "serial": uuid.uuid4().hex}
    new["expires"] = now + envelope["expires"] - envelope["created"]
    new.pop("ended", None)
    return new


def entry(queue: str, envelope: Envelope) -> Entry:
    """Return an envelope for people's eyes."""
    return Entry.of(envelope, "dead" if queue == DEAD else "waiting", len(str(envelope.get("sealed", ""))))


def envelopes(bodies: Iterable[bytes]) -> Iterator[Envelope]:
    """Yield the envelopes in the bodies of dramatiq's messages; one that is none yields what can be said of it."""
    for body in bodies:
        yield dramatiq.Message.decode(body).args[0] if is_message(body) else {"reason": DAMAGED}


def is_message(body: bytes) -> bool:
    """Whether this is a message with an envelope of ours in it."""
    try:
        envelope = dramatiq.Message.decode(body).args[0]
    except Exception:  # whatever the library makes of bytes that are none
        return False
    return isinstance(envelope, dict) and bool(envelope.keys() & {"tick", "key"})
