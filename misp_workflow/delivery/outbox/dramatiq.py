"""The outbox on dramatiq: Redis or RabbitMQ, shared by any number of servers and workers.

dramatiq carries the messages, hands each to one worker, and hands it to another when that one dies. What we add stands
in the message: an envelope with what people may read of the effect, and the effect itself, sealed. An effect that a
caller tries at once is put only when that try fails: until then nobody was told that it is accepted.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Literal, TypeVar

import dramatiq
from dramatiq.errors import DramatiqError
from dramatiq.middleware import CurrentMessage

from misp_workflow.deadline import may_wait
from misp_workflow.delivery.outbox.at_broker.asking import Asking
from misp_workflow.delivery.outbox.at_broker.backend import open_backend
from misp_workflow.delivery.outbox.at_broker.broker_workers import BrokerWorkers
from misp_workflow.delivery.outbox.at_broker.envelope import (
    DEAD,
    INSTEAD,
    MAIN,
    Envelope,
    anew,
    entry,
    flaws,
    is_envelope,
    members,
)
from misp_workflow.delivery.outbox.at_broker.fetching import is_ours
from misp_workflow.delivery.outbox.at_broker.gatherings import Gatherings
from misp_workflow.delivery.outbox.at_broker.letters import Letters
from misp_workflow.delivery.outbox.base import AFTER_A_BUG, Claim, Entry, Item, Knowing, Rest, Still, Taken, Totals
from misp_workflow.delivery.outbox.seal import Seal
from misp_workflow.delivery.retry import sentence_of_age
from misp_workflow.effects import Effect
from misp_workflow.errors import DeliveryError, SettingsError, WorkflowError
from misp_workflow.printable import logger
from misp_workflow.web_address import shown

LOG = logger("misp_workflow.delivery")

PAGE = 500
"""Envelopes that are looked at between two questions to the broker."""

Result = TypeVar("Result")


class DramatiqOutbox:
    """See `Outbox`. `key` seals; it must be the same for all who share the outbox."""

    def __init__(self, url: str, *, key: str, window: float) -> None:
        if not key:
            raise SettingsError("With outbox.url, set outbox.key too: all who share the outbox need the same key.")
        self._letters = Letters(Seal(key))
        self._ending = threading.Event()
        self._window = window
        self._backend = open_backend(url)
        self._broker = self._backend.broker
        self._troubles = (DramatiqError, OSError, RuntimeError, *self._backend.troubles)
        self._ask = Asking(shown(url), self._troubles, self._ending)
        self._held: dict[str, tuple[Envelope, float]] = {}  # tried by a caller, not put yet; until when it can wait
        self._turns = self._backend.turns
        self._lock = threading.Lock()
        self._gatherings = Gatherings(self._backend, self._letters, self._send, self._bury, window)
        for queue in (MAIN, DEAD):
            self._broker.declare_queue(queue)

    # --- storing ------------------------------------------------------------------------------------------------------

    def put(self, items: Sequence[Item], deadline: float) -> list[Taken]:
        may_wait()
        pairs = [(item, self._letters.of(item)) for item in items]
        begun: list[Envelope] = []

        def store(given_up: threading.Event) -> list[Taken]:
            return [self._put(*pair, deadline, begun, given_up) for pair in pairs if not given_up.is_set()]

        return self._stored(deadline, begun, store)

    def still(self, keys: Collection[str]) -> Still:
        return "waiting"  # what another process's caller tries is no message yet

    def _stored(self, deadline: float, begun: list[Envelope], store: Callable[[threading.Event], Result]) -> Result:
        """Store for a caller, who may hear no though the broker takes it later: then what was begun is taken back."""
        given_up = threading.Event()

        def task() -> Result:
            try:
                return store(given_up)
            finally:
                if given_up.is_set():
                    self._take_back(begun)
                    with contextlib.suppress(*self._troubles):
                        self._backend.say()

        try:
            return self._ask.within(deadline, task)
        except DeliveryError:
            given_up.set()
            self._take_back(begun)
            self._ask.careful(deadline, self._backend.say)
            raise

    def _take_back(self, envelopes: Sequence[Envelope]) -> None:
        """See to it that nothing is sent of what reaches the broker although we say that it did not."""
        for envelope in envelopes:
            with self._lock:
                if self._held.get(envelope["key"], (None, 0.0))[0] is envelope:
                    del self._held[envelope["key"]]
            self._backend.unwanted(envelope["key"], envelope["serial"])

    def _put(
        self, item: Item, envelope: Envelope, deadline: float, begun: list[Envelope], given_up: threading.Event
    ) -> Taken:
        key = item.parcel.key
        if known := self._backend.known(key):
            return "sent" if known == "sent" else "waiting"
        if item.hold:
            with self._lock:
                if key in self._held:
                    return "waiting"
                self._held[key] = (envelope, deadline)
            begun.append(envelope)
            return "taken"
        begun.append(envelope)
        if given_up.is_set():
            return "taken"  # nobody hears that
        if item.gather:
            self._gatherings.add(item, envelope)
        else:
            self._send(MAIN, envelope)
        self._note_waiting(key, given_up)
        return "taken"

    def _note_waiting(self, key: str, given_up: threading.Event) -> None:
        """Remember that it waits. Only once it does: who is killed in between must not leave a false promise.

        Where that fails it waits all the same, and nobody must hear otherwise.
        """
        with contextlib.suppress(*self._troubles):
            if not given_up.is_set():
                self._backend.note(key, "waiting", self._window)

    def _send(self, queue: str, envelope: Envelope, wait: float = 0.0, instead: Sequence[Envelope] = ()) -> None:
        """Put a message into a queue; on Redis those that it is put `instead` of are over in the same moment."""
        options = {INSTEAD: [one["serial"] for one in instead]} if instead else {}
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue, actor_name="deliver", args=(envelope,), kwargs={}, options=options
        )
        self._broker.enqueue(message, delay=max(int(wait * 1000), 1) if wait > 0 else None)

    # --- working ------------------------------------------------------------------------------------------------------

    def workers(
        self,
        threads: int,
        handle: Callable[[Claim], None],
        blocked: Callable[[], Knowing],
        died: Callable[[Entry], None],
    ) -> BrokerWorkers:
        def deliver(envelope: Envelope) -> None:
            if not is_ours(self._broker, CurrentMessage.get_current_message()):
                return  # a broken connection: the broker has handed it out again
            if not is_envelope(envelope):
                LOG.error("A message at the broker is damaged, and was not delivered.")
            elif "tick" in envelope:
                self._merge(envelope)
            else:
                self._deliver(envelope, handle, died)

        dramatiq.actor(actor_name="deliver", queue_name=MAIN, broker=self._broker)(deliver)
        return BrokerWorkers(self._broker, threads, self._ending)

    def _merge(self, tick: Envelope) -> None:
        """Make a digest; when this returns, dramatiq forgets the tick, and nobody else fetches what has gathered."""
        try:
            self._ask.insist(lambda: self._gatherings.merge(tick))
        except Exception:
            LOG.exception("bug in the delivery's workers")
            self._ask.insist(lambda: self._send(MAIN, tick, AFTER_A_BUG))

    def _deliver(self, envelope: Envelope, handle: Callable[[Claim], None], died: Callable[[Entry], None]) -> None:
        """Give one effect to whoever sends; when this returns, dramatiq forgets the message."""
        if wrong := flaws(envelope):
            self._bury(envelope, f"Its message at the broker is damaged ({wrong}).")
            return
        with self._turns.of(envelope["serial"]):
            if not self._ask.insist(lambda: self._backend.is_over(envelope["key"], envelope["serial"])):
                self._try(envelope, handle, died)

    def _try(self, envelope: Envelope, handle: Callable[[Claim], None], died: Callable[[Entry], None]) -> None:
        try:
            claim = self._letters.claim(envelope)
            if claim.last and not (envelope["once"] and not claim.tries):
                self._bury(envelope, sentence_of_age(time.time() - envelope["created"], envelope["reason"]))
                died(entry(DEAD, envelope))
            else:
                handle(claim)
        except WorkflowError as error:
            self._bury(envelope, f"It cannot be read: {error}.")
        except Exception:
            LOG.exception("bug in the delivery's workers")
            self._put_back(envelope, AFTER_A_BUG, None)

    def done(self, claim: Claim) -> None:
        (key,) = claim.keys
        envelope, until = self._let_go(claim)
        for one in (key, *members(envelope)):
            self._note_sent(claim, until, one)
        self._ask.careful(until, lambda: self._backend.count(claim.lane, "sent", 1))

    def _note_sent(self, claim: Claim, until: float | None, key: str) -> None:
        """Remember that it was sent. A worker insists: it has a message still, which another one may get after it."""
        note = partial(self._backend.note, key, "sent", self._window)
        self._ask.careful(until, note) if claim.envelope is None else self._ask.insist(note)

    def again(self, claim: Claim, wait: float, reason: str, *, counts: bool = True) -> None:
        envelope, until = self._let_go(claim)
        if envelope is None or self._is_over(claim):
            return
        changed = {**envelope, "tries": envelope["tries"] + int(counts), "reason": reason or envelope["reason"]}
        self._put_back(changed, wait, until)

    def _put_back(self, envelope: Envelope, wait: float, until: float | None) -> None:
        new = {**envelope, "due": time.time() + wait, "serial": uuid.uuid4().hex}

        def put(given_up: threading.Event) -> None:
            self._send(MAIN, new, wait, [envelope])
            self._note_waiting(new["key"], given_up)

        if until is None:
            self._ask.insist(lambda: put(threading.Event()))
            self._ask.insist(lambda: self._backend.replaced(envelope["serial"]))
        else:
            self._stored(max(until, time.monotonic() + 0.2), [new], put)

    def _is_over(self, claim: Claim) -> bool:
        """Whether a worker need not keep what it tried: meanwhile somebody took it out, or it was sent by another."""
        envelope = claim.envelope
        if envelope is None:
            return False
        return self._ask.insist(lambda: self._backend.is_over(envelope["key"], envelope["serial"]))

    def part(self, claim: Claim, rest: Rest) -> None:
        (key,) = claim.keys
        envelope, until = self._let_go(claim)
        if envelope is None or self._is_over(claim):
            return
        tries = envelope["tries"] + 1
        if rest.refused is not None:
            dead = {"key": f"{key}-refused-{tries}", "label": rest.refused.label, "tries": tries}
            self._bury(self._letters.holding(rest.refused, {**envelope, **dead}), rest.refusal)
        if rest.left is None:
            self._note_sent(claim, until, key)
            return
        left = self._letters.holding(rest.left, {**envelope, "tries": tries, "reason": rest.why})
        self._put_back(left, rest.wait, until)

    def bury(self, claim: Claim, reason: str) -> None:
        envelope, _ = self._let_go(claim)
        if envelope is not None and not self._is_over(claim):
            self._bury({**envelope, "tries": envelope["tries"] + 1}, reason)
            self._ask.insist(lambda: self._backend.replaced(envelope["serial"]))

    def _bury(self, envelope: Envelope, reason: str) -> None:
        dead = {**envelope, "reason": reason, "ended": time.time(), "serial": uuid.uuid4().hex}
        self._ask.insist(lambda: self._send(DEAD, dead))
        for key in (envelope["key"], *members(envelope)):
            self._ask.insist(partial(self._backend.forget, key))
        self._ask.insist(lambda: self._backend.count(str(envelope.get("lane", "")), "dead", 1))

    def forget(self, key: str, deadline: float) -> None:
        with self._lock:
            envelope, until = self._held.pop(key, (None, None))
        if envelope is not None:
            self._ask.within(deadline, lambda: self._backend.forget(key))
            self._ask.careful(until, lambda: self._backend.count(envelope["lane"], "refused", 1))

    def _let_go(self, claim: Claim) -> tuple[Envelope | None, float | None]:
        """Return the envelope of a claim, and until when its caller waits: None when a worker has it."""
        if claim.envelope is not None:
            return claim.envelope, None
        (key,) = claim.keys
        with self._lock:
            return self._held.pop(key, (None, None))

    def anything_waits(self) -> bool:
        if self._turns.taken:
            return True
        held, before = self._ask.patiently(self._backend.moving)
        if held or any(entry.state != "dead" for entry in self.each()):
            return True
        held, after = self._ask.patiently(self._backend.moving)
        return held or after != before  # it may have come from where we had not looked to where we had

    # --- people -------------------------------------------------------------------------------------------------------

    def entries(self, state: Literal["", "waiting", "dead"] = "") -> list[Entry]:
        return sorted(self.each(state), key=lambda entry: entry.created)

    def each(self, state: Literal["", "waiting", "dead"] = "") -> Iterator[Entry]:
        for queue, envelope in self._all():
            one = entry(queue, envelope)
            if "tick" not in envelope and (not state or (one.state == "dead") == (state == "dead")):
                yield one

    def find(self, beginning: str) -> list[Entry]:
        found = [one for one in self.each() if one.key.startswith(beginning)]
        return [one for one in found if one.key == beginning] or found

    def show(self, key: str) -> tuple[Entry, Effect]:
        for queue, envelope in self._all():
            if envelope.get("key") == key:
                return entry(queue, envelope), self._letters.opened(envelope)
        raise KeyError(key)

    def requeue(self, keys: Collection[str]) -> int:
        def put(queue: str, envelope: Envelope) -> None:
            new, is_damaged = {**envelope, "serial": uuid.uuid4().hex}, bool(flaws(envelope))
            # A damaged one's new life would end like its first.
            self._send(DEAD if is_damaged else MAIN, anew(envelope) if queue == DEAD and not is_damaged else new)

        return len(self._ask.patiently(lambda: self._backend.take(keys, put)))

    def drop(self, keys: Collection[str]) -> list[Entry]:
        def task() -> list[Entry]:
            taken = self._backend.take(keys, lambda queue, envelope: None)
            for _, envelope in taken:
                for key in (envelope["key"], *members(envelope)):
                    self._backend.forget(key)
                self._backend.count(str(envelope.get("lane", "")), "dropped", 1)
            return [entry(queue, envelope) for queue, envelope in taken]

        return self._ask.patiently(task)

    def totals(self) -> Totals:
        ended = self._ask.patiently(self._backend.ended)
        return Totals.of(self.each(), ended)

    def notices(self) -> list[str]:
        return self._ask.patiently(self._backend.notices)

    def _all(self) -> Iterator[tuple[str, Envelope]]:
        found = self._backend.look()
        while page := self._ask.patiently(lambda: list(islice(found, PAGE))):
            yield from page

    def close(self) -> None:
        self._ending.set()
        self._ask.close()
        with contextlib.suppress(Exception):
            self._backend.close()
