"""Batches of records: hands each to the file of its broker, and makes one answer of what became of the records."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from typing import cast

from misp_workflow import settings
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import Sent, ledger_of
from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.http import quotable
from misp_workflow.delivery.transports.streams.outcome import Outcome, UnreachableError
from misp_workflow.effects import Batch


def send(batch: Batch, key: str, deadline: float) -> Answer:
    """Publish the records. DeliveryError: the ledger cannot be read, and so nobody knows what is to be withdrawn."""
    return _take_back_rest(batch, deadline) if batch.rest_of else _publish(batch, deadline)


def _publish(batch: Batch, deadline: float) -> Answer:
    system = importlib.import_module(f"misp_workflow.delivery.transports.streams.{batch.system}")
    where = f"{batch.service or batch.system} at {batch.shown}"
    try:
        outcomes = cast("list[Outcome]", system.publish(batch, deadline))
    except UnreachableError as error:
        detail = f"{where}: {quotable(str(error), batch.secrets)}"
        return Answer(outcome="refused" if error.final else "again", detail=detail, down=not error.final)
    why = {how: _why(batch, outcomes, how) for how in ("refused", "again")}
    topics = {place: str(one["topic"]) for place, one in enumerate(batch.records)}
    answer = part(len(outcomes), why["refused"], why["again"], ids=topics)
    return replace(answer, detail=f"{where}: {answer.detail}")


def _why(batch: Batch, outcomes: list[Outcome], how: str) -> dict[int, str]:
    return {place: quotable(one.why, batch.secrets) for place, one in enumerate(outcomes) if one.how == how}


def _take_back_rest(batch: Batch, deadline: float) -> Answer:
    """Publish a tombstone for what of the event is there still, and nobody spoke of. The ledger's id is the topic."""
    ledger, lane, stay = ledger_of(settings.current()), name_of(batch), set(batch.standing)
    known = ledger.of(batch.rest_of, lane)
    left = [sent for sent in known if sent.item and sent.item not in stay and not sent.withdrawn and sent.id]
    if not left:
        return Answer(outcome="delivered", detail="nothing else of the event was there")
    records = tuple(_tombstone(sent) for sent in left)
    answer = _publish(replace(batch, records=records, rest_of=""), deadline)
    out = {*answer.again, *answer.refused}
    if answer.outcome in ("delivered", "part"):
        gone = [sent for place, sent in enumerate(left) if place not in out]
        ledger.note([_withdrawn(sent) for sent in gone], now=True)
    if answer.outcome == "part":  # what is left is looked for again
        return Answer(outcome="again" if answer.again else "refused", detail=answer.detail)
    return answer


def _tombstone(sent: Sent) -> dict[str, str | None]:
    return {"id": f"{sent.item}/withdrawn/{int(sent.at)}", "topic": sent.id, "key": sent.item, "body": None}


def _withdrawn(sent: Sent) -> Sent:
    return replace(sent, withdrawn=True, at=time.time())
