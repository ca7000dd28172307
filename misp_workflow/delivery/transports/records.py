"""Batches of records: hands each to the file of its broker, and makes one answer of what became of the records."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import replace
from typing import cast

from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.batches import last_word, stixed
from misp_workflow.delivery.transports.batches.rest import take_back_rest
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.delivery.transports.streams.outcome import Outcome, UnreachableError
from misp_workflow.effects import Batch
from misp_workflow.printable import logger

LOG = logger("misp_workflow.delivery")
MOST_PLACES = 10


def send(batch: Batch, key: str, deadline: float) -> Answer:
    """Publish the records."""
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
    except Exception as error:  # a client that does not understand what it hears has no words of its own for that
        LOG.warning("the client of %s: %s\n%s", batch.system, type(error).__name__, _places(error))
        detail = f"{where}: its client came to no end ({type(error).__name__})"
        return Answer(outcome="again", detail=detail, down=True)
    why = {how: _why(batch, outcomes, how) for how in ("refused", "again")}
    topics = {place: str(one["topic"]) for place, one in enumerate(batch.records)}
    answer = part(len(outcomes), why["refused"], why["again"], ids=topics)
    return replace(answer, detail=f"{where}: {answer.detail}")


def _places(error: Exception) -> str:
    """Return where it happened, without the error's text, which may quote what was to be sent."""
    return "".join(traceback.format_tb(error.__traceback__)[-MOST_PLACES:])


def _why(batch: Batch, outcomes: list[Outcome], how: str) -> dict[int, str]:
    return {place: quotable(one.why, batch.secrets) for place, one in enumerate(outcomes) if one.how == how}
