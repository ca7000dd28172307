"""Records whose bodies become STIX 2.1 on the way out, see `Batch.stix`; what cannot become it is answered for."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery import stix
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Record
from misp_workflow.effects.outcome import left_out, reasons
from misp_workflow.errors import WorkflowError

Records = Any
"""A `Batch` or a `Bulk`."""

NO_INDICATOR = "misp-stix makes no indicator of its type"
SENDING = 20.0
LOADING = "misp-stix is still being loaded, which takes some seconds the first time"


@dataclass
class Written:
    """The batch with STIX in it. `places` are those of its records in the batch before, `refused` why others are not.

    `left_out` counts attributes that are missing in a whole event, by reason.
    """

    batch: Records
    places: list[int]
    refused: dict[int, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def whole(self, answer: Answer) -> Answer:
        """Return the answer for the batch before, made of the one for what was sent of it."""
        detail = f"{answer.detail}; {left_out(self.left_out)}" if self.left_out else answer.detail
        if not self.refused:
            return replace(answer, detail=detail, left_out=self.left_out)
        told = f"{len(self.refused):,} refused: {reasons(Counter(self.refused.values()))}"
        if not self.places:
            return Answer(outcome="refused", detail=told, refused=self.refused)
        if answer.outcome in ("again", "refused") and not (answer.again or answer.refused):
            return answer  # nobody knows of the others either
        return replace(
            answer,
            outcome="refused" if answer.outcome == "refused" else "part",
            detail=f"{detail}, {told}",
            left_out=self.left_out,
            again=tuple(self.places[place] for place in answer.again),
            refused={**{self.places[place]: why for place, why in answer.refused.items()}, **self.refused},
            ids={self.places[place]: name for place, name in answer.ids.items()},
        )


def written(batch: Records, deadline: float) -> Written | Answer:
    """Return the batch as it goes out, the same one where its bodies are no STIX; or why it cannot go now, or ever."""
    if not batch.stix:
        return Written(batch, list(range(len(batch.records))))
    try:
        if not stix.ready(deadline - 0.5):
            return Answer(outcome="again", detail=LOADING)
        return _written(batch)
    except stix.StixError as error:
        return Answer(outcome="refused", detail=str(error).rstrip("."))


def time_to_send(effect: Records | Record, deadline: float) -> float:
    """Return when sending must be over: what nobody waits for has its time anew, however long it took to be made."""
    return max(deadline, time.monotonic() + SENDING) if effect.outbox_only else deadline


def frames(record: Record, deadline: float) -> tuple[str, ...] | Answer:
    """Return the frames of a message on a stream: topic and bundle in one; or why it cannot go now, or ever."""
    try:
        if not stix.ready(deadline - 0.5):
            return Answer(outcome="again", detail=LOADING)
        made = _of_event(json.loads(record.frames[0]))
    except stix.StixError as error:
        return Answer(outcome="refused", detail=str(error).rstrip("."))
    return (f"{record.topic} {_json(made.bundle)}",)


def _written(batch: Records) -> Written:
    told = [json.loads(one["body"]) if one["body"] else {} for one in batch.records]
    again = _turned(batch)
    single = _of_attributes(batch, told, again)
    made, places, refused, notes = [], [], {}, Counter[str]()
    for place, (record, said) in enumerate(zip(batch.records, told, strict=True)):
        if "Event" in said:
            after = {"": again[record["key"]]} if record["key"] in again else {}
            found = _of_event(said, bool(record.get("withdrawn")), int(batch.at), after)
            alone = batch.stix.get("only") == "report"  # records of their own say what of the attributes is left out
            body: str | None = _json(stix.bundle(found.event, found.report()) if alone else found.bundle)
            notes.update(() if alone else found.left_out.values())
        else:
            body = _of_one(batch, record, single)
        if body is None:
            refused[place] = single.left_out.get(record["key"], NO_INDICATOR) if single else NO_INDICATOR
        else:
            made.append({"withdrawn": record["body"] is None, **record, "body": body})
            places.append(place)
    about = tuple(batch.about[place] for place in places) if batch.about else ()
    return Written(replace(batch, records=tuple(made), about=about), places, refused, dict(notes))


def _of_one(batch: Records, record: Mapping[str, Any], single: stix.Converted | None) -> str | None:
    """Return what a record about one attribute says; None when there is no STIX of it."""
    uid = str(record["key"])
    gone = record.get("withdrawn", record["body"] is None)
    indicator = single.indicator(uid) if single else None
    if batch.stix.get("only") == "indicator":
        if indicator is None and not gone:
            return None
        return _json(indicator or stix.stub(uid, batch.at))
    objects = single.of(uid) if single else []
    if not objects and not gone:
        return None
    is_event = uid.lower() == str(batch.stix["event"].get("uuid")).lower()
    return _json(stix.bundle(uid, objects or [stix.stub(uid, batch.at, report=is_event)]))


def _of_attributes(batch: Records, told: list[Any], again: Mapping[str, float]) -> stix.Converted | None:
    rows = [said["Attribute"] for said in told if "Attribute" in said]
    if not rows:
        return None
    gone = [record["key"] for record in batch.records if record.get("withdrawn")]
    event = {**batch.stix["event"], "Attribute": rows}
    return stix.convert({"Event": event}, withdrawn=gone, at=int(batch.at), later_than=again)


def _of_event(
    said: Mapping[str, Any], gone: bool = False, at: int = 0, again: Mapping[str, float] | None = None
) -> stix.Converted:
    return stix.convert(said, withdrawn=said["withdrawn"], everything_gone=gone, at=at, later_than=again)


def _turned(batch: Records) -> dict[str, float]:
    """Return when the call came, for what was there and is taken back now, and for what comes back after that.

    A reader that knows the version before wants a later one, whatever MISP's timestamp is.
    """
    gone = {str(one["key"]): one["body"] is None or bool(one.get("withdrawn")) for one in batch.records}
    try:
        known = ledger_of(settings.current()).items(batch.stix["event"]["uuid"], name_of(batch), gone)
    except (WorkflowError, KeyError):  # the ledger is never in the way
        return {}
    return {uid: batch.at for uid, sent in known.items() if sent.withdrawn != gone[uid]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
