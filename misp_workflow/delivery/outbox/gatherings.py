"""Messages that wait at the broker for others like them, in a queue for each lane, until a tick fetches them all."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from misp_workflow.delivery import digest
from misp_workflow.delivery.outbox.backend import Backend
from misp_workflow.delivery.outbox.base import Item
from misp_workflow.delivery.outbox.envelope import DIGEST, MAIN, Envelope, flaws
from misp_workflow.delivery.outbox.letters import Letters
from misp_workflow.errors import WorkflowError

EARLY = 0.5
"""Seconds by which a digest may be made before its time; machines' clocks differ."""
LONGEST_GATHERING = 3600.0
LAST_MOMENT = 1.0
"""Seconds after which the tick comes that is sent just before its time: what it shall fetch must be there by then."""

Send = Callable[[str, Envelope, float], None]
Bury = Callable[[Envelope, str], None]


class Gatherings:
    """`send` puts an envelope into a queue for so many seconds, `bury` makes a dead letter of one, with a reason."""

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
        if not self._backend.known(known):
            self._send(MAIN, tick, wait)
            # A little less, so that what comes at the last moment is not left behind by a tick that has just gone.
            self._backend.note(known, "tick", item.gather * 0.8)
        self._backend.broker.declare_queue(queue)
        self._send(queue, envelope, 0.0)

    def merge(self, tick: Envelope) -> None:
        """Make what has gathered into one message for each bundle, and put that."""
        with self._merging:
            self._merge_alone(tick)

    def _merge_alone(self, tick: Envelope) -> None:
        self._backend.broker.declare_queue(tick["tick"])
        if self._is_early(tick):
            return
        found, remove = self._backend.gathered(tick["tick"], digest.MOST_IN_ONE)
        due: list[Envelope] = []
        later: list[Envelope] = []  # put after the time that this tick is for: another day's
        for one in found:
            (later if "at" in tick and not flaws(one) and one["due"] > tick["at"] + 1 else due).append(one)
        bundles: dict[str, list[Envelope]] = {}
        for envelope in due:
            try:
                bundles.setdefault(self._letters.bundle(envelope), []).append(envelope)
            except WorkflowError as error:  # it alone dies; the others are not to wait for it
                self._bury(envelope, f"It cannot be read: {error}.")
        for members in bundles.values():
            self._send(MAIN, self._letters.merged(members), 0.0)
        for envelope in later:
            self._send(tick["tick"], envelope, 0.0)
        remove()
        for members in bundles.values():
            for member in members if len(members) > 1 else ():  # one alone goes on under its own key
                self._backend.note(member["key"], "sent", self._window)
        if len(found) == digest.MOST_IN_ONE and due:
            self._send(MAIN, tick, 1.0)

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
