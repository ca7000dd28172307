"""Cases: looks whether there is one, makes it or brings it up to date, and remembers its id in the ledger.

After a crash in the middle the ledger has no id, so the tracker is asked before anything is made. Two at once on one
case take turns (`delivery/cases/turn.py`).
"""

from __future__ import annotations

import base64
import dataclasses
import time

from misp_workflow import settings
from misp_workflow.delivery.cases.link import link_back
from misp_workflow.delivery.cases.memory import Known, Memory
from misp_workflow.delivery.cases.news import Changes
from misp_workflow.delivery.cases.turn import BusyError, turn
from misp_workflow.delivery.cases.words import GOES, comment_of
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.delivery.transports.request import answers
from misp_workflow.delivery.transports.tracker import EndError, GoneError, Tracker
from misp_workflow.effects import Case
from misp_workflow.errors import DeliveryError

NOT_YET = "there is none, and none is opened before the event is published (open_when: saved opens one)"


def send(case: Case, key: str, deadline: float) -> Answer:
    """Bring the case to what the call says. DeliveryError: the ledger cannot be read."""
    rules = settings.current()
    if case.basic:  # as it stands in the request, which the other side may quote
        pair = base64.b64encode(":".join(case.basic).encode()).decode()
        case = dataclasses.replace(case, secrets=(*case.secrets, pair))
    where = f"{name_of(case)}, {case.scope}" if case.scope else name_of(case)
    try:
        with turn(rules, f"{where}\n{case.event}", deadline):
            memory = Memory(case, ledger_of(rules), where)
            answer = _kept(case, memory, key, deadline)
            if answer.outcome == "delivered" and case.link_back and not case.goes:
                answer = link_back(case, memory, key, deadline, answer)
    except BusyError:
        return Answer(outcome="again", detail=f"somebody else works on the {_what(case)} right now", retry_after=1.0)
    except DeliveryError as error:
        return Answer(outcome="again", detail=f"what is there already is not known: {str(error).rstrip('.')}")
    return answers.without(answer, case.secrets)


def _what(case: Case) -> str:
    return f"{case.service} {case.called}"


def _kept(case: Case, memory: Memory, key: str, deadline: float) -> Answer:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to ask {case.service}")
    with trying(deadline, proxies.wish(case.destination)) as this:
        try:
            answer = _Keeper(case, memory, Tracker(case, key, this)).keep()
        except EndError as end:
            answer = end.answer
        except http.TROUBLES as error:
            answer = http.failure(error, this, case.service, seconds)
    return answer if this.proxy is None else answers.without(answer, this.proxy.secrets)


class _Keeper:
    """One walk through the steps of one case, alone with it."""

    def __init__(self, case: Case, memory: Memory, tracker: Tracker) -> None:
        self._case, self._memory, self._tracker = case, memory, tracker

    def keep(self) -> Answer:
        """Return what became of it; raises EndError, ValueError, or what an exchange may end with."""
        if self._memory.late():
            return self._done("a later call has said more already")
        known = self._memory.known
        if known is not None:
            try:
                return self._bring(known)
            except GoneError:
                pass  # somebody deleted it; another one may bear the mark
        known = self._look()
        if known is not None:
            return self._found(known)
        if self._case.goes:
            return self._done("there is none to take back")
        return self._create() if self._case.opens else self._done(NOT_YET)

    def _found(self, known: Known) -> Answer:
        """Go on with a case that the tracker has and the ledger does not."""
        begun = self._memory.begun()
        if begun is not None and begun[0] and not self._case.goes:  # made by a try that died before it could say so
            self._memory.shown(known)
            return self._done("was created by a try before this one", known)
        self._memory.keep(known)
        try:
            return self._bring(known)
        except GoneError:
            raise EndError(self._again(f"{_what(self._case)} {known.name} went away meanwhile", 2.0)) from None

    def _bring(self, known: Known) -> Answer:
        if self._case.goes:
            return self._withdraw(known)
        if known.withdrawn and not self._case.back:
            return self._done("stays as it is, because the event is withdrawn", known)
        changes = self._memory.changes(known)
        if not changes:
            return self._done("shows that already", known)
        did = self._tell(known, changes)
        self._memory.shown(known)
        return self._done(did, known)

    def _tell(self, known: Known, changes: Changes) -> str:
        case, tracker = self._case, self._tracker
        if case.on_change == "nothing" and not changes.back:
            return "stays as it is"
        if changes.back and case.on_withdraw == "close":
            tracker.run(case.reopen, known)
        if case.on_change == "update":
            facts = None if changes.unknown or changes.fuller else {*changes.facts, *changes.lost_facts}
            tracker.run(tracker.only(case.update, facts), known)
            tracker.add(known, [str(one["uuid"]) for one in (*changes.added, *changes.corrected)])
        comment = comment_of(changes, case.style, known.at)
        if comment:
            tracker.run(case.comment, known, comment)
        return "was updated" if case.on_change == "update" else "has a new comment" if comment else "stays as it is"

    def _withdraw(self, known: Known) -> Answer:
        case = self._case
        if known.withdrawn:
            return self._done("was told already that the event is withdrawn", known)
        if case.on_withdraw != "nothing":
            self._tracker.run(case.comment, known, GOES[case.goes])
        if case.on_withdraw == "close":
            self._tracker.run(case.close, known)
        self._memory.withdrawn(known)
        return self._done({"close": "was closed", "comment": "has a new comment"}.get(case.on_withdraw, "stays"), known)

    def _create(self) -> Answer:
        begun = self._memory.begun()
        if begun is not None and (left := begun[1] + self._case.lag - time.time()) > 0:
            detail = f"whether the {_what(self._case)} was created cannot be seen yet"
            raise EndError(self._again(detail, min(left, self._case.lag)))
        self._memory.begin()
        try:
            known = self._tracker.made()
        except EndError as end:
            # It may be there although that was a no, or because somebody else was quicker.
            if end.answer.outcome != "refused" or (found := self._look()) is None:
                raise
            if self._case.on_change == "update":  # who knows what it shows
                self._tracker.run(self._tracker.only(self._case.update, None), found)
            self._memory.shown(found)
            return self._done(f"is there, although {end.answer.detail}", found)
        self._memory.shown(known)
        return self._done("was created", known)

    def _look(self) -> Known | None:
        return self._tracker.found()

    def _again(self, detail: str, wait: float) -> Answer:
        return Answer(outcome="again", detail=detail, retry_after=wait)

    def _done(self, did: str, known: Known | None = None) -> Answer:
        what = _what(self._case)
        detail = f"{what} {known.name} {did}" if known else f"{what}: {did}"
        wishes = f", but {self._tracker.unmet}" if self._tracker.unmet else ""
        return Answer(outcome="delivered", detail=detail + wishes, ids={0: known.name} if known else {})
