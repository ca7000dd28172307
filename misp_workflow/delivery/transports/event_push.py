"""Events for another MISP: looks whether it has the event, adds or edits it, deletes there what may not stay.

MISP tells an event from others by its uuid, so a repetition, also after a crash, makes no second one. Of two states of
an event, or of a part of it, the one with the later timestamp stays: MISP refuses an older event as a whole, and passes
over older parts in silence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from misp_workflow import settings, web_address
from misp_workflow.delivery import changes
from misp_workflow.delivery.cases.turn import BusyError, turn
from misp_workflow.delivery.changes.look import trouble_in
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.pushed import HEAD, KINDS, SIGHTINGS, Pushed, parts, sightings
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import misp
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.effects import EventPush
from misp_workflow.errors import DeliveryError
from misp_workflow.event import flag, number
from misp_workflow.words import counted, whole_number

Row = dict[str, Any]

KEY_AT = "api_key"
ORGANISATION_ONLY = "0"


def send(push: EventPush, key: str, deadline: float) -> Answer:
    """Bring the event to what the call says. DeliveryError: the ledger cannot be read."""
    rules, where = settings.current(), name_of(push)
    place = settings.Misp(
        url=push.url, verify_tls=push.verify_tls, ca_file=push.ca_file, proxy=proxies.wish(push.destination)
    )
    try:
        with turn(rules, f"{where}\n{push.event}", deadline):
            pushed = Pushed(push, ledger_of(rules), where)
            return misp.talk(place, push.api_key, deadline, lambda client: _Walk(push, pushed, client).go(), KEY_AT)
    except changes.Stop as end:
        return end.answer
    except BusyError:
        return Answer(outcome="again", detail="somebody else pushes the same event right now", retry_after=1.0)
    except DeliveryError as error:
        return Answer(outcome="again", detail=f"what is there already is not known: {str(error).rstrip('.')}")


class _Walk:
    """One walk through the steps of one push, alone with the event."""

    def __init__(self, push: EventPush, pushed: Pushed, client: misp.Client) -> None:
        self._push, self._pushed, self._client = push, pushed, client
        self._notes: list[str] = []

    def go(self) -> Answer:
        """Return what became of it; raises Refusal, or what an exchange may end with."""
        if self._pushed.is_late():
            return self._said("a later call has said more already")
        there = self._look()
        if self._push.goes:
            return self._withdraw(there)
        if there is None:
            return self._add()
        if flag(self._push.locked) and not flag(there.get("locked")) and not self._pushed.is_known:
            return self._said("is that MISP's own and came from there, so nothing was sent", there)
        return self._bring(there)

    def _look(self) -> Row | None:
        """Return the event's row there, None when there is none; TypeError for an answer about something else."""
        listed = self._client.search("events", uuid=self._push.event, metadata=True)
        if listed == []:
            return None
        first = listed[0] if isinstance(listed, list) else None
        return self._ours(first.get("Event") if isinstance(first, dict) else None)

    def _ours(self, row: Any) -> Row:
        if not isinstance(row, dict) or str(row.get("uuid")).lower() != self._push.event.lower():
            raise TypeError("that MISP answered about another event than asked, or about none")
        return row

    def _add(self) -> Answer:
        body = {**self._push.body, "published": False, "locked": True}
        try:
            there = self._saved("events/add/metadata:1", body)
        except changes.Refusal as no:
            if "already exists" in str(no):
                raise changes.Refusal(403, "the event is there, and the key's user is not shown it") from None
            if "blocklist" in str(no):
                raise changes.Refusal(
                    403, "MISP there does not take it: it, or its organisation, stands on a blocklist there"
                ) from None
            raise
        return self._done("was added", there, whole=True)

    def _bring(self, there: Row) -> Answer:
        """Edit the event that is there, with all of it where ours is newer, else with the parts that it has not got."""
        push, pushed = self._push, self._pushed
        news, lost, newer = pushed.news(), pushed.lost(), _time(push.body) > _time(there)
        if not (news or lost or pushed.is_news(HEAD) or pushed.is_news(SIGHTINGS)):
            return self._done("is there already", there, saved=False)
        if not newer and pushed.is_news(HEAD) and _time(push.body) < _time(there):
            self._notes.append("what that MISP has of the event itself is newer, and stays")
        body = dict(push.body) if newer else _only(push.body, news)
        if not (newer or news or lost):
            return self._done("is there already", there, saved=False)
        body = _without(body, lost)
        body["published"] = False
        try:
            there = {**there, **self._saved(f"events/edit/{push.event}/metadata:1", body)}
        except changes.Refusal as no:
            if "not newer" not in str(no):
                raise
            return self._said("is newer there, and stays as it is", there)
        return self._done("was updated", there, whole=push.whole and newer)

    def _saved(self, path: str, body: Row) -> Row:
        said = self._client.direct_call(path, {"Event": body})
        return self._ours(said.get("Event") if isinstance(said, dict) else None)

    def _done(self, did: str, there: Row, *, saved: bool = True, whole: bool = False) -> Answer:
        """See to sightings and publication, note what is there, and say it."""
        push = self._push
        if saved and push.body.get("distribution") == "4" and str(there.get("distribution")) == ORGANISATION_ONLY:
            self._notes.append(
                "there it is for the key's organisation only, which its sharing group must name for it to be shared"
            )
        sent, here = _number(push.body), number(there.get("attribute_count"), -1)
        if whole and 0 <= here < sent:
            self._notes.append(f"MISP there did not take {counted(sent - here, 'attribute')}")
        not_done = set() if self._sightings() else {SIGHTINGS}
        if push.publish and (saved or not flag(there.get("published"))) and not self._published():
            not_done.add(HEAD)
        self._pushed.note(_id(there), but=not_done)
        return self._said(did, there)

    def _sightings(self) -> bool:
        """Return whether that MISP has them: an edit takes those of parts that changed only."""
        rows = sightings(self._push.body)
        if not rows or not self._pushed.is_news(SIGHTINGS):
            return True
        path = f"sightings/bulkSaveSightings/{self._push.event}"
        return self._asked(path, rows, "its sightings were not taken")

    def _published(self) -> bool:
        if not self._asked(f"events/publish/{self._push.event}", {}, "it was not published there"):
            return False
        self._notes.append("MISP there publishes it")
        return True

    def _asked(self, path: str, body: Any, trouble: str) -> bool:
        """Ask for what comes after the event is there; a no to that is told, and leaves the event there."""
        try:
            self._change(path, body)
        except changes.Refusal as no:
            if no.status >= 500 or no.status == 429:
                raise
            self._notes.append(f"{trouble} ({no})")
            return False
        return True

    def _change(self, path: str, body: Any) -> None:
        """Ask for a change of what is there; Refusal also for a no in a good status."""
        if trouble := trouble_in(self._client.direct_call(path, body)):
            raise changes.Refusal(400, trouble)

    def _withdraw(self, there: Row | None) -> Answer:
        push, pushed = self._push, self._pushed
        if there is None:
            return self._said("there is none to take back")
        if not pushed.is_known:
            return self._said(self._not_ours(), there)
        if push.on_withdraw == "nothing":
            return self._said("stays", there)
        if push.on_withdraw == "delete":
            self._change(f"events/delete/{push.event}", {})
        elif flag(there.get("published")):
            self._change(f"events/unpublish/{push.event}", {})
        pushed.note_withdrawn(_id(there), push.on_withdraw == "delete")
        return self._said("was deleted" if push.on_withdraw == "delete" else "is not published any more", there)

    def _not_ours(self) -> str:
        """Return why an event that this destination did not push stays there."""
        rules, here = settings.current(), self._push.place()
        for name in self._pushed.by_others():
            place = rules.destinations.get(name)
            address = place.values.get("server_url", "") if place else name  # without one, the address is the name
            if web_address.shown(address).rstrip("/") == here.rstrip("/"):
                return f"was pushed by the destination “{name}” and not by this one, and stays"
        return "was not pushed from here, and stays"

    def _said(self, did: str, there: Row | None = None) -> Answer:
        """Return the answer: which event, where, what was done, and what else is to be known."""
        where = f"MISP at {self._push.place()}"
        if self._push.withheld:
            self._notes.append(self._push.withheld)
        event = _id(there or {})
        if not event:
            return Answer(outcome="delivered", detail="; ".join([f"{where}: {did}", *self._notes]))
        told = "; ".join([f"event {event} of the {where} {did}", *self._notes])
        page = f"{self._push.url.rstrip('/')}/events/view/{event}"
        return Answer(outcome="delivered", detail=f"{told}: {page}", ids={0: event})


def _id(event: Mapping[str, Any]) -> str:
    """Return the number that an event has there, "" for what is none."""
    found = str(event.get("id") or "")
    return found if whole_number(found) is not None else ""


def _time(event: Mapping[str, Any]) -> int:
    return number(event.get("timestamp"))


def _number(body: Mapping[str, Any]) -> int:
    """Return how many attributes are sent."""
    return sum(kind == "Attribute" for kind, _ in parts(body).values())


def _only(body: Mapping[str, Any], news: set[str]) -> Row:
    """Return an edit of these parts alone. It has no timestamp: MISP compares those of the parts, one by one."""
    edit: Row = {"uuid": body["uuid"]}
    for kind in KINDS:
        rows = [_part(row, news) for row in body.get(kind) or ()]
        edit[kind] = [row for row in rows if row["uuid"] in news or row.get("Attribute")]
    return {name: value for name, value in edit.items() if value}


def _part(row: Row, news: set[str]) -> Row:
    inner = [one for one in row["Attribute"] if one["uuid"] in news] if "Attribute" in row else None
    return row if inner is None else {**row, "Attribute": inner}


def _without(body: Row, lost: Mapping[str, str]) -> Row:
    """Return the edit with deletions of these: MISP needs the uuid, and of a report a name, too."""
    edit = dict(body)
    for uuid, kind in lost.items():
        gone: Row = {"uuid": uuid, "deleted": True}
        if kind == "EventReport":
            gone |= {"name": "withdrawn", "content": "", "timestamp": str(int(time.time()))}
        edit[kind] = [*(edit.get(kind) or ()), gone]
    return edit
