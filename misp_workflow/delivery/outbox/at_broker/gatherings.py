"""Messages that wait at the broker for others like them, in a queue for each lane, until a tick fetches them all."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox.at_broker.backend import Backend
from misp_workflow.delivery.outbox.at_broker.envelope import DIGEST, MAIN, Envelope, flaws
from misp_workflow.delivery.outbox.at_broker.letters import Letters
from misp_workflow.delivery.outbox.base import Item
from misp_workflow.errors import WorkflowError

EARLY = 0.5
"""Seconds by which a digest may be made before its time; machines' clocks differ."""
LONGEST_GATHERING = 3600.0
LAST_MOMENT = 1.0
"""Seconds after which the tick comes that is sent just before its time: what it shall fetch must be there by then."""

Send = Callable[..., None]
Bury = Callable[[Envelope, str], None]


class Gatherings:
    """`send` puts an envelope into a queue for so many seconds, in place of others, `bury` makes a dead letter of one,
    with a reason."""

    def __init__(self, backend: Backend, letters: Letters, send: Send, bury: Bury, window: float) -> None:
        self._backend = backend
        self._letters = letters
        self._send = send
        self._bury = bury
        self._window = window
        self._merging = threading.Lock()

    def add(self, item: Item, envelope: Envelope) -> None:
        """Put the effect where it waits for others, and see to it that somebody fetches them all when it is time."""
        place = f"{item.lane}\n{item.clock or item.waits}"
        queue = DIGEST + hashlib.sha256(place.encode()).hexdigest()[:16]
        tick: Envelope = {"tick": queue, "lane": item.lane}
        known, wait = queue, item.gather
        if item.clock:
            tick["at"] = round(envelope["due"])
            known, wait = f"{queue} {tick['at']}", self._backend.longest_wait(max(item.gather, LAST_MOMENT))

        def see_to_it() -> None:
            if not self._backend.known(known):
                self._send(MAIN, tick, wait)
                # A little less, so that what comes at the last moment is not left behind by a tick that has just gone.
                self._backend.note(known, "tick", item.gather * 0.8)

        see_to_it()
        self._backend.broker.declare_queue(queue)
        self._send(queue, envelope, 0.0)
        see_to_it()  # that may have taken longer than the tick did

    def merge(self, tick: Envelope) -> None:
        """Make what has gathered into one message for each bundle, and put that."""
        with self._merging:
            self._merge_alone(tick)

    def _merge_alone(self, tick: Envelope) -> None:
        self._backend.broker.declare_queue(tick["tick"])
        if self._is_early(tick):
            return
        with self._backend.gathered(tick["tick"], digest.MOST_IN_ONE) as (found, remove):
            passed_on = self._pass_on(found, tick)
            remove()
        if len(found) == digest.MOST_IN_ONE and passed_on:
            self._send(MAIN, tick, 1.0)

    def _pass_on(self, found: list[Envelope], tick: Envelope) -> bool:
        """Put what has gathered as one message for each bundle; return whether anything of it was due."""
        due: list[Envelope] = []
        later: list[Envelope] = []  # put after the time that this tick is for: another day's
        for one in found:
            if not flaws(one) and self._backend.is_over(one["key"], one["serial"]):
                continue  # it is in a digest already, and its removal from here failed; or its caller was told no
            (later if "at" in tick and not flaws(one) and one["due"] > tick["at"] + 1 else due).append(one)
        bundles: dict[str, list[Envelope]] = {}
        for envelope in due:
            try:
                bundles.setdefault(self._letters.bundle(envelope), []).append(envelope)
            except WorkflowError as error:  # it alone dies; the others are not to wait for it
                self._bury(envelope, f"It cannot be read: {error}.")
        for members in bundles.values():
            self._send(MAIN, self._letters.merged(members), 0.0, members)
            self._replaced(members)
        for envelope in later:
            self._send(tick["tick"], {**envelope, "serial": uuid.uuid4().hex}, 0.0, [envelope])
            self._replaced([envelope])
        return bool(due)

    def _replaced(self, envelopes: list[Envelope]) -> None:
        """Note of these that they are in another message now: whoever finds them here again leaves them alone."""
        for envelope in envelopes:
            self._backend.note(envelope["key"], "waiting", self._window)
            self._backend.replaced(envelope["serial"])

    def _is_early(self, tick: Envelope) -> bool:
        """Whether it is not time yet; then the tick comes again."""
        if "at" in tick:
            early = tick["at"] - time.time()
            if early > EARLY:
                self._send(MAIN, tick, self._backend.longest_wait(early))
            return bool(early > EARLY)
        early = self._backend.due(tick["tick"]) - time.time()
        if early > EARLY and not tick.get("put off"):  # it was another process's, whose effects are gone already
            self._send(MAIN, {**tick, "put off": True}, min(early, LONGEST_GATHERING))
            return True
        return False
