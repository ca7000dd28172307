"""From what an action decides to what becomes of it, and to what MISP hears of that."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Sequence

from misp_workflow import deadline
from misp_workflow.action.answers import Answer, Refusal, sentence, spoken, with_note
from misp_workflow.action.call import Call
from misp_workflow.action.shared import writeback
from misp_workflow.deadline import Watch
from misp_workflow.delivery import guard
from misp_workflow.effects import (
    Block,
    Case,
    Command,
    Effect,
    EventPush,
    Parcel,
    Pass,
    Receipt,
    addressed,
    mask,
    to_json,
)
from misp_workflow.effects.pieces import fingerprint
from misp_workflow.errors import LateError, WorkflowError
from misp_workflow.event import uuid_of
from misp_workflow.settings import Destination

GATE_SHARE = 0.7
"""The part of its time that a gate gives to what must happen before its yes; the rest is for undoing it."""

Decision = Effect | Sequence[Effect] | Pass | Block | Receipt


@dataclasses.dataclass(frozen=True)
class Acting:
    """Acts for one call of the action `name`, which people call `label`; `secrets` are the node's and its `place`'s."""

    name: str
    label: str
    call: Call
    secrets: Sequence[str]
    place: Destination

    def carry_out(self, decision: Decision, watch: Watch) -> Answer:
        """Return what MISP shall hear of what became of the decision."""
        if isinstance(decision, Block):
            return Refusal(error=sentence(mask("; ".join(decision.reasons), list(self.secrets))))
        if isinstance(decision, Receipt):
            return spoken([decision])
        if isinstance(decision, Pass):
            return self._pass(decision, watch)
        parcels = [self._parcel(effect) for effect in _listed(decision)]
        from misp_workflow.delivery import deliver  # the first call loads requests, not the server's start

        call, params = self.call, self.call.params
        receipts = deliver.deliver(
            parcels,
            mode=getattr(params, "delivery", "wait"),
            dry_run=getattr(params, "dry_run", False),
            deadline=call.deadline,
            gather=getattr(params, "digest", None),
        )
        answer = spoken(receipts or [Receipt(status="skipped", detail="There was nothing to do.")])
        # A text for people says itself what was withheld; of what a machine gets nobody else does.
        return with_note(answer, call.withheld if any(parcel.effect.for_machines for parcel in parcels) else "")

    def _pass(self, gate: Pass, watch: Watch) -> Answer:
        """Return a gate's yes, once what must happen first has happened; else its no, and what shall undo it."""
        told = sentence(mask(" ".join(gate.notes or ["Every rule is kept."]), list(self.secrets)))
        passed: Answer = {"data": {"status": "passed", "detail": told}}
        if not gate.effects:
            return passed
        from misp_workflow.delivery import deliver

        deadline.look()
        parcels = [self._parcel(effect) for effect in gate.effects]
        enough = time.monotonic() + (self.call.deadline - time.monotonic()) * GATE_SHARE
        receipts = deliver.deliver(parcels, deadline=enough)
        refused = [one for one in receipts if one.status not in ("delivered", "dry-run")]
        if isinstance(parcels[0].effect, Command) and receipts[0].status == "dry-run":  # nobody said yes
            passed["data"]["detail"] = receipts[0].detail
        if not refused and watch.say(passed):
            return passed
        # What never left, or was answered with a no, needs no undoing.
        perhaps = gate.undo if any(one.unsure for one in receipts) or len(receipts) > len(refused) else ()
        undo = [self._parcel(effect) for effect in perhaps]
        with contextlib.suppress(WorkflowError):  # the no stands, whatever becomes of this
            deliver.deliver(undo, mode="queue", deadline=self.call.deadline)
        if not refused:  # MISP has heard a no meanwhile
            raise LateError("The time was over.")
        told = sentence(f"Not passed: {refused[0].detail.rstrip('.')}.")
        judges = isinstance(parcels[receipts.index(refused[0])].effect, Command) and not refused[0].unsure
        return Refusal(error=told) if judges else {"error": told}

    def _parcel(self, effect: Effect) -> Parcel:
        call, place = self.call, self.place
        effect = addressed(
            guard.fit(effect, place.max_bytes),
            label=effect.label or (f"{self.label} to {place.name}" if place.name else self.label),
            destination=place.name,
            secrets=tuple(dict.fromkeys([*effect.secrets, *self.secrets])),
        )
        if isinstance(effect, (Case, EventPush)):
            effect = dataclasses.replace(effect, action=self.name)
        if isinstance(effect, Case) and effect.link_back:
            effect = dataclasses.replace(effect, **writeback.which(call))
        # A change in MISP is what answers its own trigger: there the same again is no news, and a loop would be none.
        subject = f"{call.about} {call.occasion}" if effect.leaves and call.occasion else call.about
        return Parcel(
            key=fingerprint([self.name, subject], to_json(effect)),
            effect=effect,
            action=self.name,
            event=uuid_of(call.judged.event),
            created=time.time(),
        )


def _listed(decision: Effect | Sequence[Effect]) -> Sequence[Effect]:
    return [decision] if isinstance(decision, Effect) else decision
