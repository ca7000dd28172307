"""The only door to delivery: what actions call.

An effect is put in the outbox first, and tried at once when somebody waits and the destination is well. So it is either
delivered, or kept and tried again, or refused with the reason; and MISP hears which, in time.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from misp_workflow import settings
from misp_workflow.deadline import may_wait
from misp_workflow.delivery import rehearsal, trial
from misp_workflow.delivery.house import House, sentence
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.outbox import Claim, Item, Taken, identity
from misp_workflow.delivery.retry import Answer, back_off
from misp_workflow.effects import Effect, Parcel, Receipt, Status
from misp_workflow.effects.outcome import Tally
from misp_workflow.errors import DeliveryError, WorkflowError
from misp_workflow.printable import logger
from misp_workflow.settings import Destination, Settings
from misp_workflow.settings.gathering import Gathering

LOG = logger("misp_workflow.delivery")

MARGIN = 0.1
"""The part of the time that is kept for the way back to MISP, at most a quarter of a second."""
LEAST_TRY = 0.5
"""Seconds; what is kept is not tried with less time left, an eighth of a short call's time: the other side might take
it without an answer in time, and get it once more."""
GRACE = 2.0
"""Seconds that the workers get to end what they do when the process ends."""

LOOK_EVERY = 0.05
"""Seconds between two looks at what another process tries."""

SOON = 1.0
"""Seconds. Workers look by themselves as often."""

Mode = Literal["wait", "queue"]

_AT_ONCE = Gathering()


def deliver(
    parcels: Sequence[Parcel],
    *,
    mode: Mode = "wait",
    dry_run: bool = False,
    deadline: float | None = None,
    gather: Gathering | None = None,
) -> list[Receipt]:
    """Take charge of the effects, and return one receipt each, in their order.

    `mode` "wait": delivered or refused when that can be known before `deadline` (a time of `time.monotonic()`; without
    it, the settings' `answer_within` from now), else queued. "queue": queued without a try. `dry_run`, and while a
    trial is open: nothing is sent or kept. `gather`: for how long messages wait for others like them where their
    destination does not say. Raises nothing but DeliveryError: the outbox cannot be written, and nothing
    was sent. A broker keeps an effect after its first try only: where it does not, the receipt tells of that try.
    """
    rules = settings.current()
    end = deadline if deadline is not None else time.monotonic() + rules.answer_within
    tried = trial.current()
    if tried is not None and not dry_run:
        tried.noted.extend(parcels)
    if dry_run or tried is not None:
        told = tried is None or tried.told
        return [_receipt(parcel, *rehearsal.ending(parcel.effect, told)) for parcel in parcels]
    if not parcels:
        return []
    try:
        with _at_work(rules) as keeper:
            return _Delivery(keeper, rules, end, gather or Gathering()).run(parcels, mode)
    except DeliveryError:
        raise
    except WorkflowError as error:
        raise DeliveryError(str(error)) from None


@dataclass
class _Plan:
    """One parcel on its way through `deliver`; `why` it is not tried now, "" when it is."""

    parcel: Parcel
    lane: str
    item: Item
    why: str
    held: bool = False

    @property
    def claim(self) -> Claim:
        """What the outbox calls it while we hold it."""
        last = self.item.max_age <= 0
        return Claim(parcel=self.parcel, lane=self.lane, keys=(self.parcel.key,), tries=0, last=last)


class _Delivery:
    """One call of `deliver`."""

    def __init__(self, keeper: House, rules: Settings, end: float, gather: Gathering) -> None:
        self._house = keeper
        self._rules = rules
        self._gather = gather
        self._end = end
        self._asked_too: Collection[str] = ()  # keys that another call has in hand just now
        left = max(end - time.monotonic(), 0)
        self._try_until = end - min(0.25, left * MARGIN)
        self._try_from = self._try_until - min(LEAST_TRY, left / 8)

    def run(self, parcels: Sequence[Parcel], mode: Mode) -> list[Receipt]:
        plans: list[_Plan] = []
        try:
            for parcel in parcels:
                plans.append(self._plan(parcel, mode))
            if not all(plan.why for plan in plans):
                may_wait()  # before anything is kept
            keys = [plan.parcel.key for plan in plans if plan.parcel.effect.keep]
            with self._house.same.of(keys, self._try_until) as self._asked_too:
                return self._carry_out(plans)
        finally:
            self._let_go([plan for plan in plans if plan.held])

    def _let_go(self, plans: Sequence[_Plan]) -> None:
        """Leave to the workers what was held for a try that did not come; raise the first error only after them all."""
        troubles: list[DeliveryError] = []
        for plan in plans:
            try:
                self._house.outbox.again(plan.claim, 0.0, "", counts=False)
            except DeliveryError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]

    def _plan(self, parcel: Parcel, mode: Mode) -> _Plan:
        effect = parcel.effect
        destination = self._rules.destination(effect.destination)
        gather = self._gathering(effect, destination)
        wait, lane = gather.wait(time.time(), destination.timezone), name_of(effect)
        if gather:
            why = f"gathered with others like it {gather}"
        elif effect.keep and (mode == "queue" or effect.outbox_only):
            why = "it goes out in the background"
        else:
            why = self._house.lanes.closed(lane)
        max_age = self._rules.outbox.max_age if destination.max_age is None else destination.max_age
        clock = f"{gather.written} {destination.timezone}" if gather.times else ""
        item = Item(parcel=parcel, lane=lane, max_age=max_age, hold=not why, gather=wait, clock=clock)
        return _Plan(parcel, lane, item, why)

    def _gathering(self, effect: Effect, destination: Destination) -> Gathering:
        """Return for how long to gather: as the destination says, else the node, and only what can be gathered."""
        if not effect.digest or not effect.keep:
            return _AT_ONCE
        return self._gather if destination.digest is None else destination.digest

    def _carry_out(self, plans: list[_Plan]) -> list[Receipt]:
        kept = [plan for plan in plans if plan.parcel.effect.keep and plan.parcel.key not in self._asked_too]
        taken: dict[int, Taken] = {}
        if kept:
            self._house.workers.start()
            for plan, how in zip(kept, self._put([plan.item for plan in kept]), strict=True):
                taken[id(plan)] = how
                plan.held = plan.item.hold and how == "taken"
            if any(map(self._is_for_now, kept)):
                self._house.wake()
        return [self._finish(plan, taken.get(id(plan))) for plan in plans]

    def _put(self, items: Sequence[Item]) -> list[Taken]:
        """Put them in the outbox; where another process just tries the same, after what became of that is known."""
        how = self._house.outbox.put(items, self._end)
        waits = any(item.hold for item in items)  # a call that only queues is alone in its thread, and may not
        if waits and {*how} == {"waiting"} and self._is_over([item.parcel.key for item in items]):
            how = self._house.outbox.put(items, self._end)
        return how

    def _is_over(self, keys: Collection[str]) -> bool:
        """Whether what waited there is there no more, once no other process tries it; nothing of ours is kept yet."""
        still = self._house.outbox.still(keys)
        if still == "tried":
            may_wait()
        while still == "tried" and time.monotonic() < self._try_until:
            time.sleep(LOOK_EVERY)
            still = self._house.outbox.still(keys)
        if still == "tried":
            self._asked_too = {*self._asked_too, *keys}
        return still == "over"

    def _is_for_now(self, plan: _Plan) -> bool:
        """Whether a worker could send it at once. What must wait they find by themselves, SOON enough."""
        return not plan.item.hold and plan.item.gather <= SOON and not self._house.lanes.closed(plan.lane)

    def _finish(self, plan: _Plan, how: Taken | None) -> Receipt:
        """Return the receipt of one parcel; `how` the outbox took it, None when it never was to be kept."""
        if plan.parcel.key in self._asked_too:
            return _receipt(plan.parcel, "skipped", "already on its way: another call asks for the same")
        if how == "sent":
            return _receipt(plan.parcel, "skipped", "already sent: the same was delivered a moment ago")
        if how == "waiting":
            return _receipt(plan.parcel, "skipped", "already queued: the same waits to be delivered")
        if not plan.why and time.monotonic() >= (self._try_from if how else self._try_until):
            plan.why = "there was no time left to try it"
        # Only here, so that nobody counts as waiting for the other side who still waits for the disk.
        plan.why = plan.why or self._house.lanes.enter(plan.lane)
        if plan.why:
            return self._put_off(plan) if how else _receipt(plan.parcel, "refused", plan.why)
        answer = self._try(plan)
        self._house.remember(plan.claim, answer)
        if answer.outcome == "part":
            return self._part(plan, answer, kept=how is not None)
        if answer.outcome == "delivered":
            if how:
                self._house.outbox.done(plan.claim)
            return self._final(plan, "skipped" if answer.nothing else "delivered", answer)
        if answer.outcome == "again" and how and not plan.claim.last:
            wait = 0.0 if answer.more else back_off(1, answer.retry_after)
            try:
                self._house.outbox.again(plan.claim, wait, sentence(answer.detail), counts=not answer.more)
            except DeliveryError as error:
                return self._final(plan, "refused", _left(answer, error))
            plan.held = False
            return _receipt(
                plan.parcel,
                "queued",
                f"{answer.detail}, which follows" if answer.more else f"queued, because {answer.detail}",
            )
        if how:
            self._forget(plan, answer)
        return self._final(plan, "refused", answer)

    def _put_off(self, plan: _Plan) -> Receipt:
        """Leave it to the workers untried."""
        held, plan.held = plan.held, False
        try:
            if held:
                self._house.outbox.again(plan.claim, 0.0, "", counts=False)
        except DeliveryError as error:
            return _receipt(plan.parcel, "refused", f"{plan.why}; nobody tries it later: {error}")
        return _receipt(plan.parcel, "queued", f"queued: {plan.why}")

    def _part(self, plan: _Plan, answer: Answer, *, kept: bool) -> Receipt:
        """Return the receipt for a batch of which some is in; what was not taken is kept, or told of here only."""
        plan.held = False
        try:
            left = kept and self._house.keep_rest(plan.claim, answer)
        except DeliveryError as error:
            return self._final(plan, "delivered", _left(answer, error))
        if left:
            return _receipt(plan.parcel, "queued", answer.detail, answer)
        return self._final(plan, "delivered", answer)

    def _forget(self, plan: _Plan, answer: Answer) -> None:
        """Take out what MISP hears to be refused; where the disk does not let us, it is at least not tried again."""
        try:
            self._house.outbox.forget(plan.parcel.key, max(self._end, time.monotonic() + 0.2))
        except DeliveryError:
            self._house.outbox.bury(plan.claim, sentence(answer.detail))

    def _try(self, plan: _Plan) -> Answer:
        """Try it on the lane that it has entered."""
        answer, began = None, time.monotonic()
        try:
            answer = self._house.perform(plan.parcel.effect, plan.parcel.key, self._try_until)
        finally:
            self._house.lanes.leave(plan.lane, answer, time.monotonic() - began)
        return answer

    def _final(self, plan: _Plan, status: Literal["delivered", "skipped", "refused"], answer: Answer) -> Receipt:
        plan.held = False
        self._house.log_parcel(status, plan.parcel, plan.lane, answer.detail, 1)
        return _receipt(plan.parcel, status, answer.detail, answer)


def _left(answer: Answer, error: DeliveryError) -> Answer:
    """Return the answer to a try which a broker does not take after it: what is known of it stays known."""
    return dataclasses.replace(answer, detail=f"{answer.detail}; nobody tries it again: {error}")


def _receipt(parcel: Parcel, status: Status, detail: str, answer: Answer | None = None) -> Receipt:
    unsure = status == "refused" and answer is not None and answer.outcome == "again"
    tally = _tally(parcel.effect, status, detail, answer) if parcel.effect.batch else None
    return Receipt(status=status, detail=sentence(detail), key=parcel.key, unsure=unsure, tally=tally)


def _tally(effect: Effect, status: Status, detail: str, answer: Answer | None) -> Tally | None:
    """Return what became of the items of a batch; None when it was not this call that did anything with them."""
    tally = _counted(effect, status, detail, answer)
    missing = answer.left_out if answer is not None else {}
    return tally if tally is None or not missing else dataclasses.replace(tally, left_out=missing)


def _counted(effect: Effect, status: Status, detail: str, answer: Answer | None) -> Tally | None:
    number = effect.number()
    if answer is not None and answer.outcome == "part":
        refused = Counter(answer.refused.values())
        if status == "delivered":  # nobody tries again what could be
            refused += Counter(["not taken in time"] * len(answer.again))
        waiting = len(answer.again) if status == "queued" else 0
        return Tally(taken=number - len(answer.again) - len(answer.refused), waiting=waiting, refused=dict(refused))
    if status == "refused":
        why = Counter(answer.refused.values()) if answer is not None else Counter()
        return Tally(refused=dict(why) or {detail: number})
    if status == "queued":
        return Tally(waiting=number)
    return Tally(taken=number) if status == "delivered" else None


# --- the house of this process ----------------------------------------------------------------------------------------

_lock = threading.Lock()
_house: House | None = None
_known: tuple[object, ...] = ()


def house(rules: Settings, *, enters: bool = False) -> House:
    """Return this process's house for these settings; another one when outbox or process are others than before.

    `enters`: for a call, before whose end it does not end.
    """
    wanted = (os.getpid(), *identity(rules))
    if _known != wanted:
        may_wait()
    with _lock:
        found = _house if _house is not None and _known == wanted else _renewed()
        if enters:
            found.callers.__enter__()
    return found


def _renewed() -> House:
    """Return the house for the newest settings: another thread may have read newer ones than the one who asks."""
    global _house, _known
    rules = settings.current()
    before, known, wanted = _house, _known, (os.getpid(), *identity(rules))
    if before is not None and known == wanted:
        return before
    _house, _known = House(rules), wanted
    if before is None:
        atexit.register(stop)
    elif known[0] == wanted[0]:  # a forked child must not touch its parent's connections
        threading.Thread(target=before.retire, args=(GRACE,), name="misp-workflow-moving", daemon=True).start()
    return _house


@contextlib.contextmanager
def _at_work(rules: Settings) -> Iterator[House]:
    """Have the house for a call: it does not end before the call does."""
    keeper = house(rules, enters=True)
    try:
        yield keeper
    finally:
        keeper.callers.__exit__()


def resume() -> None:
    """Send on what waits since an earlier run. Nothing is started where nothing can wait. Never raises."""
    try:
        rules = settings.in_force()  # else it would be another outbox, and networks without bounds
        keeper = house(rules)
        shared = bool(rules.outbox.url_reference)
        if shared:  # something comes to wait without a call here: another machine is gone, or the broker is back
            keeper.workers.start()
        for notice in keeper.outbox.notices():
            LOG.warning("%s", notice)
        if not shared and keeper.outbox.anything_waits():
            keeper.workers.start()
    except WorkflowError as error:
        LOG.error("What waits in the outbox is not sent on: %s", error)
    except Exception:
        LOG.exception("bug at the start of delivery")


def stop() -> None:
    """End the workers and let go of the outbox; what they hold goes to the next process."""
    global _house, _known
    with _lock:
        keeper, _house, _known = _house, None, ()
    if keeper is not None:
        keeper.close(GRACE)
