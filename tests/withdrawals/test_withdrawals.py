"""The table in docs/withdrawals.md: what was withdrawn in MISP is gone, read back from each other side.

Every cell is one try: the event is published as MISP sent it, something happens to one of its attributes (in the shape
that MISP sends then), and the peer is asked what it has now. Afterwards the event is published again, which must bring
the attribute back: so each peer also shows that a withdrawal is not for ever.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import Peer, until

from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "withdrawals.md"
VICTIM = "df6f26a3-88b3-48b2-a2ab-b69e5230e010"
pytestmark = pytest.mark.waits
Data = dict[str, Any]
Captures = dict[str, Any]


def published(captures: Captures, **change: Any) -> Data:
    """Return what MISP sent when it published the event, with its one attribute changed; None takes it out."""
    data: Data = copy.deepcopy(captures["event-publish"]["data"])
    event = data["Event"]
    event.update(change.pop("event", {}))
    for name in ("Attribute", "_AttributeFlattened"):
        rows = [{**row, **change} if row["uuid"] == VICTIM else row for row in event[name]]
        event[name] = [row for row in rows if row.get("value") is not None]
    return data


def saved(captures: Captures, capture: str = "attribute-after-save", **change: Any) -> Data:
    """Return what MISP sends when this one attribute was saved."""
    event = captures["event-publish"]["data"]["Event"]
    row = next(row for row in event["_AttributeFlattened"] if row["uuid"] == VICTIM)
    shape: Data = copy.deepcopy(captures[capture]["data"])
    for name in ("Attribute", "_AttributeFlattened"):
        shape["Event"][name] = [{**row, **change}]
    shape["Event"].update({name: event[name] for name in ("id", "uuid", "info", "Tag")})
    return shape


def bare(captures: Captures) -> Data:
    """Return what MISP sends when an event was saved: its row alone, with its tags after an edit."""
    event = captures["event-publish"]["data"]["Event"]
    shape: Data = copy.deepcopy(captures["event-after-save"]["data"])
    shape["Event"].update({name: event[name] for name in ("id", "uuid", "info", "Tag")})
    return shape


def tagged(row: str, name: str) -> dict[str, Any]:
    return {row: [{"id": "99", "name": name, "colour": "#000000", "exportable": True, "local": True}]}


Happens = Callable[[Captures], tuple[Data, dict[str, str]]]
HAPPENS: dict[str, Happens] = {
    "attribute deleted": lambda had: (saved(had, deleted=True), {}),
    "`to_ids` off": lambda had: (saved(had, to_ids=False), {}),
    "withdrawing tag": lambda had: (
        saved(had, "tag-attached-after-save", **tagged("Tag", "status:false-positive")),
        {"withdraw_tags": "status:*"},
    ),
    "value corrected": lambda had: (saved(had, value="corrected"), {}),
    "left out at the next publication": lambda had: (published(had, value=None), {}),
    "event unpublished": lambda had: (bare(had), {}),
    "event deleted": lambda had: (published(had), {"event_goes": "true"}),
    "marked above the clearance": lambda had: (published(had, event=tagged("Tag", "tlp:red")), {}),
}
"""Each column: the data of the call, and what the node says beside its usual parameters."""

CELLS = {True: ("gone", "only the new value"), False: ("a tombstone follows", "the new value follows")}


def seen(peer: Peer) -> str:
    """Return the words for what the peer has of the attribute now."""
    told = peer.told(VICTIM, peer.old, peer.new)
    gone, new = CELLS[peer.keeps]
    if peer.keeps:
        return gone if not told else new if told == [peer.new] else f"has {told}"
    return gone if told[-1:] == [None] else new if told[-1:] == [peer.new] else f"said {told}"


@pytest.fixture
def begin_second(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Returns MISP's timestamp for an edit after everything before: it has whole seconds, so our clock is set to the next."""
    ahead, clock = 0.0, time.time
    monkeypatch.setattr(time, "time", lambda: clock() + ahead)

    def begin() -> str:
        nonlocal ahead
        second = int(time.time()) + 1
        ahead = second - clock()
        return str(second)

    return begin


def ask(peer: Peer, data: Data, begin_second: Callable[[], str], **more: str) -> str:
    for name in ("Attribute", "_AttributeFlattened"):
        for row in (row for row in data["Event"].get(name, []) if row["uuid"] == VICTIM):
            row.update(type=peer.kind, value=peer.new if row["value"] == "corrected" else peer.old)
            if peer.versions:
                row["timestamp"] = begin_second()
    params = {"destination": "peer", "selected_or_all": "all", **peer.params, **more}
    request = {"module": peer.action, "data": data, "params": params}
    said = ActionFile.load(ROOT / f"misp_modules/modules/action_mod/{peer.action}.py").module.handler(
        q=json.dumps(request)
    )
    return str(said.get("error") or said["data"]["detail"])


def test_what_is_withdrawn_is_gone_there(peer: Peer, captures: Captures, begin_second: Callable[[], str]) -> None:
    head, rows = table()
    wanted, found = rows.get(peer.name, {}), {}
    for column, happens in HAPPENS.items():
        ask(peer, published(captures), begin_second)
        assert until(lambda: peer.told(VICTIM, peer.old)[-1:] == [peer.old]), f"before “{column}” it is not there"
        data, more = happens(captures)
        said = ask(peer, data, begin_second, **more)
        assert ("is marked TLP:RED" in said) == (column == "marked above the clearance"), said
        until(lambda: seen(peer) in CELLS[peer.keeps], 5)
        until(lambda name=column: seen(peer) == wanted.get(name))  # which takes longer on a slow machine
        found[column] = seen(peer)
    row = f"| {peer.name} | {' | '.join(found.values())} |"
    assert found == wanted, f"the row of docs/withdrawals.md must read: {row}"
    assert head == [*HAPPENS]


def table() -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return the page's table: its columns, and its rows by destination."""
    text = PAGE.read_text(encoding="utf-8")
    lines = text[text.index("| destination |") :].partition("\n\n")[0].splitlines()
    first, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return first[1:], {row[0]: dict(zip(first[1:], row[1:], strict=True)) for row in rows}


def test_every_action_that_withdraws_has_a_row() -> None:
    _, rows = table()
    told = " ".join(rows)
    files = sorted((ROOT / "misp_modules/modules/action_mod").glob("*.py"))
    actions = [ActionFile.load(file) for file in files]
    withdrawing = [one.name for one in actions if "withdraw_tags" in one.module.moduleconfig["params"]]
    assert len(withdrawing) >= 9
    assert [name for name in withdrawing if f"`{name}`" not in told] == []
