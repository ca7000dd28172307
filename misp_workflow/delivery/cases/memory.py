"""What the ledger knows of a case: its id, and what it showed last.

The row of the event as a whole holds the id (and, after a blank, the name when that is another). What the case shows is
remembered as marks, a row for each fact ("=Title") and each attribute (its uuid): short hashes, no values. So a call
can tell what is new, corrected or gone, and an older call that comes late changes nothing.

Before a case is made, the row says so ("?", a mark of the content, the time): whoever finds that and no id knows that
somebody may have made it and died.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from misp_workflow.delivery.cases.news import Changes, Item
from misp_workflow.delivery.cases.words import SEVERITY, TITLE
from misp_workflow.delivery.ledger import Ledger, Sent
from misp_workflow.effects import Case
from misp_workflow.words import whole_number

FACT = "="
BEGUN = "?"
MARK = "#"
LINK = f"{FACT}{FACT}link"
"""Whether MISP holds the case's address; of several MISPs each has such a row, with its name behind it."""
UNSURE = f"{FACT}{FACT}unsure"
"""Whether the case was found at the tracker, and nobody knows what it shows."""
ALWAYS = frozenset((FACT + TITLE, FACT + SEVERITY, LINK, UNSURE))
"""Facts that every call knows, and rows that are none."""


@dataclass(frozen=True)
class Known:
    """A case: its id at the tracker, what people call it, whether MISP withdrew it, when that was last said."""

    id: str
    name: str
    withdrawn: bool = False
    at: float = 0.0


class Memory:
    """The rows of one case. Its ledger raises DeliveryError when it cannot be read."""

    def __init__(self, case: Case, ledger: Ledger, where: str) -> None:
        self._case, self._ledger, self.where = case, ledger, where
        if case.whole or case.goes:
            self._rows = {row.item: row for row in ledger.of(case.event, where)}
        else:
            asked = [
                "",
                *(FACT + name for name in case.shows),
                *(str(one["uuid"]) for one in (*case.items, *case.gone)),
            ]
            self._rows = ledger.items(case.event, where, asked)

    @property
    def known(self) -> Known | None:
        """The case as it is remembered, None without an id."""
        row = self._rows.get("")
        if row is None or not row.id or row.id.startswith(BEGUN):
            return None
        there, _, name = row.id.partition(" ")
        return Known(there, name or there, row.withdrawn, row.at)

    def begun(self) -> tuple[bool, float] | None:
        """Return whether somebody began to make it with this very content, and when; None when nobody did."""
        row = self._rows.get("")
        if row is None or not row.id.startswith(BEGUN):
            return None
        content, _, when = row.id[len(BEGUN) :].partition(" ")
        return content == self._content(), float(whole_number(when) or 0)

    def begin(self) -> None:
        """Note that it will be made now; on the disk when this returns, as far as the disk lets us."""
        self._note([self._row("", f"{BEGUN}{self._content()} {int(time.time())}")])

    def keep(self, known: Known) -> None:
        """Note the id of a case that was found; what it shows is not known."""
        self._note([self._row("", _named(known)), self._row(UNSURE, known.name)])

    def shown(self, known: Known) -> None:
        """Note that the case shows what this call says."""
        case = self._case
        rows = [self._row("", _named(known))]
        rows += [self._row(FACT + name, self._of_fact(known, name)) for name in self._fresh_facts()]
        rows += [
            self._row(str(one["uuid"]), self._of_item(known, one)) for one in case.items if self._fresh(one["uuid"])
        ]
        rows += [self._row(item, "", withdrawn=True) for item in self._left()]
        self._note(rows)

    def withdrawn(self, known: Known) -> None:
        """Note that MISP withdrew the event and the case says so."""
        self._note([self._row("", _named(known), withdrawn=True)])

    def has(self, item: str, known: Known) -> bool:
        """Whether something of ours was noted about this very case."""
        return self._mark(item) == f"{known.name}{MARK}"

    def has_now(self, item: str, known: Known) -> None:
        """Note that."""
        self._note([self._row(item, f"{known.name}{MARK}")])

    def late(self) -> bool:
        """Whether a later call has said already whether the case is wanted."""
        row = self._rows.get("")
        return row is not None and row.at > self._case.at and bool(row.withdrawn or self._case.goes)

    def changes(self, known: Known) -> Changes:
        """Return what the call says that the case does not show."""
        case = self._case
        if case.whole and self._mark(UNSURE):
            return Changes(unknown=True)
        found = Changes(back=known.withdrawn and case.back)
        described = any(
            item.startswith(FACT) and item not in ALWAYS and not item.startswith(LINK) for item in self._rows
        )
        found.fuller = case.whole and not described
        for name in self._fresh_facts():
            before = self._mark(FACT + name)
            if before != self._of_fact(known, name) and (before or (case.whole and described)):
                found.facts[name] = case.shows[name]
        for one in case.items:
            row = self._rows.get(str(one["uuid"]))
            if row is None or row.withdrawn:
                found.added.append(one)
            elif row.at <= case.at and row.id != self._of_item(known, one):
                found.corrected.append(one)
        named = {str(one["uuid"]): one for one in case.gone}
        for item in self._left():
            if item.startswith(FACT):
                found.lost_facts.append(item.removeprefix(FACT))
            else:
                found.gone.append(named.get(item, {}))
        return found

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _left(self) -> list[str]:
        """Return what the case shows and this call says is not there any more."""
        case = self._case
        stay = {str(one["uuid"]) for one in case.items} | {FACT + name for name in case.shows}
        said = self._rows if case.whole else {str(one["uuid"]) for one in case.gone}
        stay |= {"", *(item for item in self._rows if item.startswith(LINK))}
        rows = [self._rows[item] for item in said if item in self._rows and item not in stay]
        return [row.item for row in rows if not row.withdrawn and row.at <= case.at]

    def _fresh_facts(self) -> list[str]:
        return [name for name in self._case.shows if self._fresh(FACT + name)]

    def _fresh(self, item: str) -> bool:
        row = self._rows.get(item)
        return row is None or row.at <= self._case.at

    def _mark(self, item: str) -> str:
        row = self._rows.get(item)
        return "" if row is None or row.withdrawn else row.id

    def _of_fact(self, known: Known, name: str) -> str:
        return f"{known.name}{MARK}{_hash(self._case.event, name, self._case.shows[name])}"

    def _of_item(self, known: Known, one: Item) -> str:
        told = (str(one.get("type")), str(one.get("value")), str(bool(one.get("to_ids"))))
        return f"{known.name}{MARK}{_hash(self._case.event, *told)}"

    def _content(self) -> str:
        case = self._case
        items = sorted((str(one["uuid"]), str(one.get("value"))) for one in case.items)
        return _hash(json.dumps([dict(case.shows), items], sort_keys=True))

    def _row(self, item: str, there: str, *, withdrawn: bool = False) -> Sent:
        case = self._case
        at = case.at
        if not item and (before := self._rows.get("")) is not None:
            at = max(at, before.at)  # the id counts, whoever learned it
        return Sent(
            event=case.event,
            item=item,
            destination=self.where,
            action=case.action,
            id=there,
            withdrawn=withdrawn,
            first=time.time(),
            at=at,
        )

    def _note(self, rows: Sequence[Sent]) -> None:
        self._ledger.note(rows, now=True)
        self._rows = {**self._rows, **{row.item: row for row in rows}}


def _named(known: Known) -> str:
    return known.id if known.name == known.id else f"{known.id} {known.name}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
