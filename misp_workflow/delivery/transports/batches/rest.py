"""What is left of an event at a destination: withdrawn as the ledger knows it, for effects with `rest_of`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import WHOLE, Sent, ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.errors import DeliveryError

Records = Any
"""A `Batch` or a `Bulk` with `rest_of`."""


def take_back_rest(batch: Records, deadline: float, publish: Callable[[Records, float], Answer]) -> Answer:
    """Publish tombstones for what of the event is there still, and nobody spoke of. The ledger's id is the topic.

    Where the ledger cannot be read now, or is behind, it is tried again: nobody else knows what is there.
    """
    ledger, lane, stay = ledger_of(settings.current()), name_of(batch), {"", *batch.standing}
    event, among = batch.rest_of, batch.among
    try:
        known = [*(ledger.items(event, lane, among).values() if among else ledger.of(event, lane))]
    except DeliveryError as error:
        return Answer(outcome="again", detail=f"what is there still is not known: {str(error).rstrip('.')}")
    # what a later call said of an item counts, also when this one had to wait
    left = [one for one in known if one.item not in stay and not one.withdrawn and one.id and one.said <= batch.at]
    if not among:  # what an earlier call says of this event, and has to wait, comes too late
        ledger.note([_whole(batch, lane)], now=True)
    if not left:
        return Answer(outcome="delivered", detail="nothing had to be taken back", nothing=True)
    records = tuple(_tombstone(sent) for sent in left)
    answer = publish(replace(batch, records=records, rest_of=""), deadline)
    out = {*answer.again, *answer.refused}
    if answer.outcome in ("delivered", "part"):
        gone = [sent for place, sent in enumerate(left) if place not in out]
        ledger.note([_withdrawn(sent, batch.at) for sent in gone], now=True)
    if answer.outcome == "part":  # what is left is looked for again
        return Answer(outcome="again" if answer.again else "refused", detail=answer.detail)
    return answer


def _whole(batch: Records, lane: str) -> Sent:
    now = time.time()
    return Sent(event=batch.rest_of, item=WHOLE, destination=lane, action=batch.kind, first=now, at=now, said=batch.at)


def _tombstone(sent: Sent) -> dict[str, str | None]:
    return {"id": f"{sent.item}/withdrawn/{sent.at:.3f}", "topic": sent.id, "key": sent.item, "body": None}


def _withdrawn(sent: Sent, said: float) -> Sent:
    return replace(sent, withdrawn=True, at=time.time(), said=said)
