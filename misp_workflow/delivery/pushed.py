"""What the ledger knows of an event that was pushed to another MISP: which of its parts are there, and in which state.

The row of the event as a whole holds its id there; each part has a row by its uuid, with its kind and a short hash of
what was sent, no value. So a call can tell what that MISP has already, and what must be deleted there because it was
deleted here, or may not be there any more.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import orjson

from misp_workflow.delivery.ledger import Ledger, Sent
from misp_workflow.effects import EventPush

Row = Mapping[str, Any]

KINDS = ("Attribute", "Object", "EventReport")
HEAD = "=head"
SIGHTINGS = "=sightings"


class Pushed:
    """The rows of one event at one MISP. The ledger raises DeliveryError when it cannot be read."""

    def __init__(self, push: EventPush, ledger: Ledger, where: str) -> None:
        self._push, self._ledger, self._where = push, ledger, where
        self._rows = {row.item: row for row in ledger.of(push.event, where)}
        self._kinds = {uuid: kind for uuid, (kind, _) in parts(push.body).items()}
        self._marks = {uuid: _mark(kind, row) for uuid, (kind, row) in parts(push.body).items()}
        if push.body:
            self._marks[HEAD] = _mark(HEAD, {name: value for name, value in push.body.items() if name not in KINDS})
        if found := sightings(push.body):
            self._marks[SIGHTINGS] = _mark(SIGHTINGS, {"uuids": sorted(str(one["uuid"]) for one in found)})

    @property
    def is_known(self) -> bool:
        """Whether it was pushed by this destination before, withdrawn since or not."""
        return "" in self._rows

    def by_others(self) -> list[str]:
        """Return the names of the other destinations that pushed it and did not withdraw it, to whatever MISP."""
        rows = self._ledger.of(self._push.event)
        found = [row for row in rows if row.action == self._push.action and not row.item and not row.withdrawn]
        return [row.destination for row in found if row.destination != self._where]

    def is_late(self) -> bool:
        """Whether a later call has said already whether the event is wanted there."""
        row = self._rows.get("")
        return row is not None and row.at > self._push.at and bool(row.withdrawn or self._push.goes)

    def is_news(self, item: str) -> bool:
        """Whether that MISP has not got this part as it is now."""
        row = self._rows.get(item)
        return item in self._marks and (row is None or row.withdrawn or row.id != self._marks[item])

    def news(self) -> set[str]:
        """Return the uuids of the parts that it has not got as they are now."""
        return {uuid for uuid in self._kinds if self.is_news(uuid)}

    def lost(self) -> dict[str, str]:
        """Return the uuids, by kind, of what is to be deleted there: what the call says was deleted here, and what was
        sent before and is not to be there any more."""
        push = self._push
        there = {uuid: _kind(row) for uuid, row in self._rows.items() if _kind(row) and not row.withdrawn}
        asked = {uuid: kind for uuid, kind in there.items() if push.whole or uuid in push.hidden}
        gone = {uuid: kind for uuid, kind in push.gone.items() if uuid not in self._rows or uuid in there}
        return {uuid: kind for uuid, kind in (gone | asked).items() if uuid not in self._marks}

    def note(self, number: str, *, but: set[str] | None = None) -> None:
        """Note that all of the call is there now, under this id of the event; nothing of what `but` names."""
        rows = [self._row("", number)]
        rows += [self._row(item, mark) for item, mark in self._marks.items() if item not in (but or ())]
        rows += [self._row(uuid, f"#{kind}", withdrawn=True) for uuid, kind in self.lost().items()]
        self._ledger.note(rows, now=True)

    def note_withdrawn(self, number: str, deleted: bool) -> None:
        """Note that the event was withdrawn there, its parts with it when it was deleted."""
        rows = [self._row("", number, withdrawn=True)]
        if deleted:
            rows += [self._row(uuid, row.id, withdrawn=True) for uuid, row in self._rows.items() if uuid]
        self._ledger.note(rows, now=True)

    def _row(self, item: str, there: str, *, withdrawn: bool = False) -> Sent:
        push = self._push
        return Sent(
            event=push.event,
            item=item,
            destination=self._where,
            action=push.action,
            id=there,
            withdrawn=withdrawn,
            first=time.time(),
            at=push.at,
        )


def parts(body: Row) -> dict[str, tuple[str, Row]]:
    """Return kind and row of every part of an event by its uuid; an object without its attributes, which are parts."""
    found: dict[str, tuple[str, Row]] = {}
    for kind in KINDS:
        for row in body.get(kind) or ():
            found[row["uuid"]] = (kind, {name: value for name, value in row.items() if name != "Attribute"})
            found |= {inner["uuid"]: ("Attribute", inner) for inner in row.get("Attribute") or ()}
    return found


def sightings(body: Row) -> list[dict[str, Any]]:
    """Return the sightings of an event's attributes, each with the uuid of its attribute."""
    rows = {uuid: row for uuid, (kind, row) in parts(body).items() if kind == "Attribute"}
    return [{**one, "attribute_uuid": uuid} for uuid, row in rows.items() for one in row.get("Sighting") or ()]


def _kind(row: Sent) -> str:
    kind = row.id.removeprefix("#").partition(":")[0]
    return kind if kind in KINDS else ""


def _mark(kind: str, row: Row) -> str:
    told = {name: value for name, value in row.items() if name != "Sighting"}
    return f"#{kind}:{hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]}"
