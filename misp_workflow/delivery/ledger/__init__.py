"""The ledger: what went where, from which event, when, and under which id there.

It answers two questions. An analyst's: where did this event go (`misp-workflow sent EVENT-UUID`)? And an action's
that must take something back: is it still there, and what is it called there?

Who writes: the house does, after each try that got something in (`remember`): one row for the event as a whole, or
one for each item of `effect.about`, under the destination's name or address. An effect says with `takes_back` that
its items are gone from there now; they stay in the ledger as withdrawn. What a transport learns of ids there stands
in `Answer.ids`. No action writes anything, and of the transports only those that must know before the next try what
this one did: those of cases (`delivery/cases/memory.py`) and of pushed events (`delivery/pushed.py`), and whoever takes
back what is left of an event.

Who reads: a transport that must know before it acts asks `ledger_of(rules).of(event, destination)`, or `.items(…)`
for some of them: the latest word about each item, whether it is there or was withdrawn. Whoever must be sure that a
row is on the disk before the next step (an id, after something was made) calls `note(rows, now=True)`.

What it is not: in the way. Whatever goes wrong with it is logged, costs rows and nothing else (a damaged file is put
aside, and a new one begun; rows that cannot be written now, for a lock or a full disk, stay in memory). `note` raises
nothing, and returns at once unless `now`; only a batch of records waits for its rows, a second at most. It holds
uuids, names, ids and times, no values and no secrets. Rows are forgotten `ledger.max_age` (a year) after the last word
about them. It is an SQLite file in the state folder, or in the broker's Redis where `outbox.url` names one; with
RabbitMQ each machine has a file of its own.
"""

from __future__ import annotations

import threading
import time

from misp_workflow.deadline import may_wait
from misp_workflow.delivery.ledger.base import WHOLE, Ledger, Sent
from misp_workflow.delivery.ledger.sqlite import SqliteLedger
from misp_workflow.delivery.outbox.base import Claim
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Case, EventPush, Records
from misp_workflow.errors import WorkflowError
from misp_workflow.printable import logger
from misp_workflow.settings import Settings

__all__ = ["WHOLE", "Ledger", "Sent", "close", "ledger_of", "remember"]

LOG = logger("misp_workflow.delivery")

PATIENCE = 1.0
"""Seconds that a batch waits for its rows. They are what it can be taken back by: whoever is killed before they are in
has not told the outbox yet, and the batch comes again."""

_lock = threading.Lock()
_open: dict[tuple[object, ...], Ledger] = {}


def ledger_of(rules: Settings, *, only_looks: bool = False) -> Ledger:
    """Return the ledger of these settings, one for the process; SettingsError when outbox.url cannot be read.

    `only_looks`: for somebody who wants to know what it says, and must change nothing.
    """
    may_wait()
    url = rules.outbox.url
    wanted = (rules.state_folder, url, rules.ledger_age, only_looks)
    with _lock:
        if wanted not in _open:
            _open[wanted] = _opened(rules, url, only_looks)
        return _open[wanted]


def close() -> None:
    """Write what is left, and let go of every ledger of this process."""
    with _lock:
        known = list(_open.values())
        _open.clear()
    for ledger in known:
        ledger.close()


def remember(rules: Settings, claim: Claim, answer: Answer) -> None:
    """Note what of the claim is in now, or was taken back by it; a ledger that cannot be used costs the rows only."""
    parcel, effect = claim.parcel, claim.parcel.effect
    if not effect.leaves or answer.outcome not in ("delivered", "part"):
        return
    if isinstance(effect, (Case, EventPush)) or (isinstance(effect, Records) and effect.rest_of):
        return  # its transport notes what it did
    out = {*answer.again, *answer.refused}
    about = effect.about or ("",)
    now = time.time()
    rows = [
        Sent(
            event=event,
            item=item,
            destination=claim.lane,
            action=parcel.action,
            id=answer.ids.get(place, ""),
            key=parcel.key,
            withdrawn=effect.takes_back,
            first=now,
            at=now,
            said=effect.at if isinstance(effect, Records) else 0.0,
        )
        for event in claim.events or (parcel.event,)
        for place, item in enumerate(about)
        if event and place not in out
    ]
    try:
        book = ledger_of(rules)
        book.note(rows)
        if isinstance(effect, Records):
            book.settle(PATIENCE)
    except WorkflowError as error:
        LOG.error("The ledger cannot be used: %s", error)


def _opened(rules: Settings, url: str, only_looks: bool) -> Ledger:
    if url.startswith(("redis://", "rediss://")):
        try:
            from misp_workflow.delivery.ledger.redis import RedisLedger
        except ImportError:
            raise WorkflowError("outbox.url needs more: pip install 'misp-workflow-actions[queue]'.") from None
        return RedisLedger(url, rules.ledger_age)
    return SqliteLedger(rules.state_folder, rules.ledger_age, only_looks=only_looks)
