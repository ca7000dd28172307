"""Batches of records: hands each to the file of its broker, and makes one answer of what became of the records."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import cast

from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports import last_word, stixed
from misp_workflow.delivery.transports.http import quotable
from misp_workflow.delivery.transports.rest import take_back_rest
from misp_workflow.delivery.transports.streams.outcome import Outcome, UnreachableError
from misp_workflow.effects import Batch


def send(batch: Batch, key: str, deadline: float) -> Answer:
    """Publish the records. DeliveryError: the ledger cannot be read, and so nobody knows what is to be withdrawn."""
    return take_back_rest(batch, deadline, _publish) if batch.rest_of else last_word.say(batch, deadline, _publish)


def _publish(batch: Batch, deadline: float) -> Answer:
    ready = stixed.written(batch, deadline)
    if isinstance(ready, Answer):
        return ready
    deadline = stixed.time_to_send(batch, deadline)
    return ready.whole(_sent(ready.batch, deadline)) if ready.places else ready.whole(NOTHING)


NOTHING = Answer(outcome="delivered", detail="")


def _sent(batch: Batch, deadline: float) -> Answer:
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
