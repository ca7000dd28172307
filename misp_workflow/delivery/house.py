"""Everything that delivery needs while a process runs: the outbox, the lanes, the workers, the log."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from misp_workflow import settings
from misp_workflow.delivery import ledger, retry, transports
from misp_workflow.delivery.lanes import Lanes
from misp_workflow.delivery.log import DeliveryLog
from misp_workflow.delivery.outbox import Claim, Entry, Outbox, Rest, open_outbox
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.same import Same
from misp_workflow.effects import Effect, Parcel
from misp_workflow.effects.outcome import reasons
from misp_workflow.errors import SettingsError, WorkflowError
from misp_workflow.printable import logger
from misp_workflow.settings import Settings

LOG = logger("misp_workflow.delivery")

WORKER_PATIENCE = 5.0
"""How many times longer than an answer to MISP may take a worker waits for the other side."""


COURTESY = 0.2
"""Seconds that a worker rests after each try while MISP waits for several answers: what is in the outbox has time."""
LONGEST_COURTESY = 10.0
"""Seconds. A crowd that stays longer is no rush any more, and what it left must get its turn."""


class Callers:
    """Knows whether MISP waits for several answers at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        self._began = self._crowded = -math.inf  # the crowd: when it came, and when it was last seen

    def __enter__(self) -> None:
        with self._lock:
            self._number += 1
            if self._number > 1:
                now = self._clock()
                if now - self._crowded > COURTESY:
                    self._began = now
                self._crowded = now

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._number -= 1

    def are_gone(self) -> bool:
        """Whether no call is there."""
        return not self._number

    def come_first(self) -> bool:
        """Whether workers should rest: several calls were there at once a moment ago, but not for long already."""
        now = self._clock()
        return now - self._crowded < COURTESY / 2 and now - self._began < LONGEST_COURTESY


@dataclass(frozen=True)
class Ending:
    """How a worker's try ended: delivered, queued (again later), dead, or skipped (there was nothing to send)."""

    how: str
    claim: Claim
    detail: str


class House:
    """One per process and outbox."""

    def __init__(self, rules: Settings, watcher: Callable[[Ending], None] | None = None) -> None:
        self.outbox: Outbox = open_outbox(rules)
        self.lanes = Lanes(rate, rules.outbox.workers)
        self.log = DeliveryLog(rules.state_folder)
        self.workers = self.outbox.workers(rules.outbox.workers, self.work_on, self.lanes.blocked, self.died)
        self.callers = Callers()
        self.same = Same()
        self._resting: set[int] = set()  # workers, which look for work again in a moment
        self._watcher = watcher

    def close(self, patience: float) -> None:
        """End the workers within about `patience` seconds, and let go of the outbox: this process ends."""
        self._close(patience)
        ledger.close()

    def retire(self, patience: float) -> None:
        """Make way for another house of this process, once all that this one tries has ended.

        What it let go of before would be tried by the next one too, and sent twice.
        """
        while not self.callers.are_gone():
            time.sleep(COURTESY)
        self.workers.finish()
        self._close(patience)

    def _close(self, patience: float) -> None:
        self.workers.stop(patience)
        self.outbox.close()
        self.log.close()

    def perform(self, effect: Effect, key: str, deadline: float) -> Answer:
        """Hand the effect to its transport; a bug there is an answer too."""
        try:
            settings.current().destination(effect.destination)  # it may be gone since
            return transports.send(effect, key, deadline)
        except SettingsError as error:  # the operator can mend them meanwhile
            return Answer(outcome="again", detail=str(error))
        except WorkflowError as error:
            return Answer(outcome="refused", detail=str(error))
        except Exception as error:
            # The text of the error may quote what was to be sent; the places are enough to mend it.
            places = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("bug in the transport %s: %s\n%s", effect.kind, type(error).__name__, places)
            return Answer(outcome="refused", detail=f"it could not be sent: {type(error).__name__} in our own code")

    def wake(self) -> None:
        """Tell the workers that there is something to do, unless one of them only rests for the callers' sake."""
        if not self._resting:
            self.workers.wake()

    # --- what a worker does -------------------------------------------------------------------------------------------

    def work_on(self, claim: Claim) -> None:
        """Try what was claimed, and settle it."""
        if not self.lanes.enter_as_worker(claim.lane):
            self.outbox.again(claim, self.lanes.rest(claim.lane), "", counts=False)
            return
        answer, began = None, time.monotonic()
        try:
            answer = self.perform(claim.parcel.effect, claim.parcel.key, began + self._patience())
        finally:
            self.lanes.leave_as_worker(claim.lane, answer, time.monotonic() - began)
        self._settle(claim, answer)
        if self.callers.come_first():
            self._resting.add(threading.get_ident())
            time.sleep(COURTESY)
            self._resting.discard(threading.get_ident())
            self.workers.wake()  # what came meanwhile may be for several, or not for this one

    def _settle(self, claim: Claim, answer: Answer) -> None:
        """Note what came of a try that nobody waits for."""
        self.remember(claim, answer)
        if answer.outcome == "delivered":
            self.outbox.done(claim)
            self._ended("skipped" if answer.nothing else "delivered", claim, answer.detail)
        elif answer.outcome == "part":
            left = self.keep_rest(claim, answer)
            self._ended("queued" if left else "delivered", claim, answer.detail)
        elif answer.outcome == "refused" or claim.last:
            self.outbox.bury(claim, sentence(answer.detail))
            self._ended("dead", claim, answer.detail)
        else:
            wait = 0.0 if answer.more else retry.back_off(claim.tries + 1, answer.retry_after)
            self.outbox.again(claim, wait, sentence(answer.detail), counts=not answer.more)
            if self._watcher is not None:
                self._watcher(Ending("queued", claim, answer.detail))

    def keep_rest(self, claim: Claim, answer: Answer) -> bool:
        """Keep of a batch what may be tried again, and a dead letter of what may not; return whether anything may."""
        effect, again, refused = claim.parcel.effect, answer.again, dict(answer.refused)
        if claim.last:
            refused |= dict.fromkeys(again, "was not taken before its time was over")
            again = ()
        rest = Rest(
            left=effect.only(again) if again else None,
            wait=retry.back_off(claim.tries + 1, answer.retry_after),
            why=sentence(answer.detail),
            refused=dataclasses.replace(effect.only(sorted(refused)), label=_some(effect, refused))
            if refused
            else None,
            refusal=sentence(reasons(Counter(refused.values()))),
        )
        self.outbox.part(claim, rest)
        if rest.refused is not None:
            self.log_parcel("dead", claim.parcel, claim.lane, rest.refusal, claim.tries + 1, len(refused))
            LOG.warning("%s was not delivered: %s", rest.refused.label, rest.refusal)
        return rest.left is not None

    def remember(self, claim: Claim, answer: Answer) -> None:
        """Note in the ledger what is in now."""
        ledger.remember(settings.current(), claim, answer)

    def died(self, entry: Entry) -> None:
        """Note what died of age."""
        self.log_entry("dead", entry)
        LOG.warning("%s was not delivered: %s", entry.label, entry.reason)

    def _ended(self, how: str, claim: Claim, detail: str) -> None:
        parcel = claim.parcel
        self.log_parcel(how, parcel, claim.lane, detail, claim.tries + 1, len(claim.keys))
        if how == "dead":
            LOG.warning("%s was not delivered: %s", parcel.effect.label, sentence(detail))
        if self._watcher is not None:
            self._watcher(Ending(how, claim, detail))

    def _patience(self) -> float:
        return settings.current().answer_within * WORKER_PATIENCE

    # --- the log ------------------------------------------------------------------------------------------------------

    def log_parcel(self, status: str, parcel: Parcel, lane: str, detail: str, tries: int, effects: int = 1) -> None:
        """Note a final receipt; `effects` is how many were gathered in the parcel."""
        self.log.write(
            status,
            key=parcel.key,
            action=parcel.action,
            label=parcel.effect.label,
            lane=lane,
            event=parcel.event,
            tries=tries,
            effects=effects if effects > 1 else None,
            seconds=round(max(time.time() - parcel.created, 0.0), 3),
            detail=detail,
        )

    def log_entry(self, status: str, entry: Entry) -> None:
        """Note the end of something that was not tried just now."""
        self.log.write(
            status,
            key=entry.key,
            action=entry.action,
            label=entry.label,
            lane=entry.lane,
            event=entry.event,
            tries=entry.tries,
            seconds=round(max(time.time() - entry.created, 0.0), 3),
            detail=entry.reason,
        )


def _some(effect: Effect, places: Collection[int]) -> str:
    return f"{effect.label} ({len(places):,} of {effect.number():,})"


def rate(name: str) -> float | None:
    """Return the tries per second that the settings allow on a lane; whoever asks holds all lanes up meanwhile."""
    rules, _ = settings.at_hand()
    return rules.destinations.get(name, rules.defaults).rate


def sentence(detail: str) -> str:
    """Return a detail as a sentence: with a capital and a full stop."""
    detail = detail.strip()
    return detail and detail[0].upper() + detail[1:] + ("" if detail[-1] in ".!?…" else ".")
