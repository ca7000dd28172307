"""The last word about an attribute counts, whichever arrives last: a record that had to wait may have been overtaken.

The ledger says which call spoke last of what. So a record of an older call is left out, and what stands under another
topic now (its type was corrected, say) is taken back where it stood before. A ledger that cannot be read costs no
more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import WHOLE, Sent, ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.errors import WorkflowError

Records = Any
"""A `Batch` or a `Bulk`."""
Publish = Callable[[Records, float], Answer]


def say(batch: Records, deadline: float, publish: Publish) -> Answer:
    """Publish those of the records that are the last word about their attribute."""
    known = _known(batch)
    whole = known.get(WHOLE)
    due = [place for place, one in enumerate(batch.records) if not _late(batch, known.get(str(one["key"])), whole)]
    late = len(batch.records) - len(due)
    if not due:
        return Answer(outcome="delivered", detail=f"{late:,} left as a later call said")
    answer = publish(batch.only(due) if late else batch, deadline)
    if late:
        answer = _placed(answer, due)
        answer = replace(answer, detail=f"{answer.detail}, {late:,} left as a later call said")
    return _moved(batch, answer, known, due, deadline, publish) if batch.moves else answer


def _known(batch: Records) -> Mapping[str, Sent]:
    """Return what the ledger knows of the attributes, and when their event last said all about itself."""
    if not batch.event:
        return {}
    items = {WHOLE, *(str(one["key"]) for one in batch.records)}
    try:
        return ledger_of(settings.current()).items(batch.event, name_of(batch), items)
    except WorkflowError:
        return {}


def _late(batch: Records, sent: Sent | None, whole: Sent | None) -> bool:
    return any(word is not None and word.said > batch.at for word in (sent, whole))


def _placed(answer: Answer, due: list[int]) -> Answer:
    """Return an answer about these places of a batch as one about the batch; what is left out of it is done."""
    if answer.outcome in ("again", "refused"):  # all of them, of which not all were asked for
        reasons = answer.refused or dict.fromkeys(range(len(due)), answer.detail)
        again = tuple(range(len(due))) if answer.outcome == "again" else ()
        answer = replace(answer, outcome="part", again=again, refused={} if again else reasons)
    return replace(
        answer,
        again=tuple(due[place] for place in answer.again),
        refused={due[place]: why for place, why in answer.refused.items()},
        ids={due[place]: name for place, name in answer.ids.items()},
    )


def _moved(
    batch: Records, answer: Answer, known: Mapping[str, Sent], due: list[int], deadline: float, publish: Publish
) -> Answer:
    """Take back what stands under another topic than the record that is in now; where that fails, both come again."""
    if answer.outcome not in ("delivered", "part"):
        return answer
    out = {*answer.again, *answer.refused}
    before = {place: sent for place in due if place not in out and (sent := _elsewhere(batch.records[place], known))}
    if not before:
        return answer
    tombstones = tuple(
        {**batch.records[place], "id": f"{batch.records[place]['id']}/moved", "topic": sent.id, "body": None}
        for place, sent in before.items()
    )
    gone = publish(replace(batch, records=tombstones, about=()), deadline)
    if gone.outcome in ("delivered", "refused"):
        return answer
    places = [*before]
    failed = [places[place] for place in gone.again] if gone.outcome == "part" else places
    again = tuple(sorted({*answer.again, *failed}))
    detail = f"{answer.detail}; where it stood before: {gone.detail}"
    return replace(answer, outcome="again" if len(again) == len(batch.records) else "part", again=again, detail=detail)


def _elsewhere(record: Mapping[str, Any], known: Mapping[str, Sent]) -> Sent | None:
    sent = known.get(str(record["key"]))
    return sent if sent and sent.id and not sent.withdrawn and sent.id != str(record["topic"]) else None
