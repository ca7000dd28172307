"""Envelopes of the dramatiq outbox: what people may read of an effect, and the effect itself, sealed."""

from __future__ import annotations

import base64
import time
import uuid

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox.at_broker.envelope import Envelope, flaws
from misp_workflow.delivery.outbox.base import Claim, Item
from misp_workflow.delivery.outbox.seal import Seal, SealError
from misp_workflow.effects import Effect, Parcel


class Letters:
    """Makes envelopes and opens them, with one seal."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def of(self, item: Item) -> Envelope:
        """Return the envelope of something to put; SealError when nobody could write it down."""
        parcel, now = item.parcel, time.time()
        return {
            "key": parcel.key,
            "serial": uuid.uuid4().hex,
            "lane": item.lane,
            "label": parcel.effect.label,
            "action": parcel.action,
            "destination": parcel.effect.destination,
            "event": parcel.event,
            "created": now,
            "expires": item.expires(now),
            "once": item.max_age <= 0,
            "due": now + item.gather,
            "tries": 0,
            "reason": "",
            "bundle": item.bundle,
            "sealed": base64.b64encode(self._seal.close(parcel.effect)).decode(),
        }

    def opened(self, envelope: Envelope) -> Effect:
        """Return the effect; SealError says why it cannot be read."""
        try:
            return self._seal.open(base64.b64decode(envelope["sealed"]))
        except (KeyError, TypeError, ValueError):
            raise SealError("its message at the broker is damaged") from None

    def bundle(self, envelope: Envelope) -> str:
        """Return what is the same for those that may become one message; SealError when it cannot be read.

        What the envelope says of that counts for nothing: only what is sealed says where it goes.
        """
        if wrong := flaws(envelope):
            raise SealError(f"its message at the broker is damaged ({wrong})")
        effect = self.opened(envelope)
        return digest.bundle(effect, envelope["action"], envelope["lane"]) if effect.digest else envelope["key"]

    def holding(self, effect: Effect, envelope: Envelope) -> Envelope:
        """Return the envelope with another effect in it."""
        return {**envelope, "sealed": base64.b64encode(self._seal.close(effect)).decode()}

    def claim(self, envelope: Envelope) -> Claim:
        """Return what a worker may send now; SealError when it cannot be read."""
        effect = self.opened(envelope)
        names = ("key", "action", "event", "created")
        parcel = Parcel(effect=effect, **{name: envelope[name] for name in names})
        last = envelope["expires"] <= time.time()
        events = tuple(map(str, envelope.get("events", (parcel.event,))))
        return Claim(
            parcel=parcel,
            lane=envelope["lane"],
            keys=(parcel.key,),
            tries=envelope["tries"],
            last=last,
            events=events,
            envelope=envelope,
        )

    def merged(self, members: list[Envelope]) -> Envelope:
        """Return the envelope of the one message that these become."""
        first = members[0]
        serial = digest.batch_key([member["serial"] for member in members])  # made once more, it is the same message
        if len(members) == 1:
            return {**first, "bundle": "", "serial": serial}
        effects = [self.opened(member) for member in members]
        merged = digest.merge(effects, time.time() - first["created"])
        keys = [member["key"] for member in members]
        return {
            **first,
            "key": digest.batch_key(keys),
            "members": keys,
            "serial": serial,
            "label": merged.label,
            "event": first["event"] if len({member["event"] for member in members}) == 1 else "",
            "bundle": "",
            "events": list(dict.fromkeys(member["event"] for member in members)),
            "sealed": base64.b64encode(self._seal.close(merged)).decode(),
        }
