"""The envelope in which the dramatiq outbox puts an effect, and the queues that it travels through."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import dramatiq

from misp_workflow.delivery.outbox.base import Entry, is_sane

MAIN = "misp-workflow"
DEAD = "misp-workflow-dead"
DIGEST = "misp-workflow-digest-"
INSTEAD = "misp-workflow-instead"
"""The option of a message, on its way to the broker, with the serials of those in whose place it is put."""
REPLACED = 600
"""Seconds for which a message that was replaced is known again: a broken connection may bring it twice."""
DAMAGED = "This message at the broker is damaged, so it was not sent."

Envelope = dict[str, Any]
"""What a message holds: see `Letters.of`. Whoever has the broker can write another: only what is sealed is ours."""

TEXTS = ("serial", "lane", "action", "event", "reason", "sealed")
NUMBERS = ("created", "expires", "due", "tries")


def anew(envelope: Envelope) -> Envelope:
    now = time.time()
    new = {**envelope, "tries": 0, "reason": "", "created": now, "due": now, "serial": uuid.uuid4().hex}
    new["expires"] = now + envelope["expires"] - envelope["created"]
    new.pop("ended", None)
    return new


def members(envelope: Envelope | None) -> list[str]:
    """Return the keys of what a digest was made of, none for another effect."""
    found = (envelope or {}).get("members")
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []


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
    return is_envelope(envelope)


def is_envelope(envelope: object) -> bool:
    """Whether this speaks of an effect, or of a digest that is to be made."""
    if not isinstance(envelope, dict):
        return False
    if "tick" in envelope:
        tick = envelope["tick"]
        return isinstance(tick, str) and tick.startswith(DIGEST) and is_sane(envelope.get("at", 0))
    return isinstance(envelope.get("key"), str)


def flaws(envelope: Envelope) -> str:
    """Return the names of what is missing in an effect's envelope or is of a wrong kind, "" when it is sound."""
    wrong = [name for name in TEXTS if not isinstance(envelope.get(name), str)]
    wrong += [name for name in NUMBERS if not is_sane(envelope.get(name))]
    wrong += [] if isinstance(envelope.get("once"), bool) else ["once"]
    wrong += [] if isinstance(envelope.get("events", []), list) else ["events"]
    return ", ".join(sorted(wrong))
