"""A call that comes to something that waits is begun again: until then it has changed nothing, and comes to the same."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from actions_kit import CASES, MOST, SENDING, module_of, request_of

from misp_workflow import deadline
from misp_workflow.delivery import deliver
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.delivery.outbox.workers import Workers
from misp_workflow.effects import Parcel
from misp_workflow.testing import Receiver


class Put:
    """What comes to the outbox, which is the last thing that waits: `waits` lets it say so. Nothing is sent from it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parcels: list[list[Parcel]] = []
        self.waits = False
        put, now = SqliteOutbox.put, time.time()

        def noted(outbox: SqliteOutbox, items: Sequence[Any], end: float) -> Any:
            self.parcels.append([dataclasses.replace(item.parcel, created=now) for item in items])
            if self.waits:
                deadline.may_wait()
            return put(outbox, items, end)

        monkeypatch.setattr(SqliteOutbox, "put", noted)
        monkeypatch.setattr(Workers, "start", lambda workers: None)
        monkeypatch.setattr(time, "time", lambda: now)
        monkeypatch.setattr("misp_workflow.settings.file.LOOK_EVERY", 600.0)


@pytest.mark.parametrize("action", SENDING)
def test_a_call_that_is_begun_again_comes_to_the_same(
    action: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, put = module_of(action).dict_handler, Put(monkeypatch)
    cases = [json.loads(file.read_text()) for file in CASES if file.parent.name == action]
    plain = [case for case in cases if not {"settings", "mail", "error"} & case.keys() and type(case["params"]) is dict]
    for case in plain[:MOST]:
        request = request_of(case, action, receiver)
        request["params"] |= {"delivery": "queue", "dry_run": ""}
        put.waits = False
        if "error" in [ask(copy.deepcopy(request)) for _ in range(2)][-1]:
            continue
        put.waits, put.parcels, given = True, [], copy.deepcopy(request)
        ask(given)
        assert given == request
        if put.parcels:
            assert len(put.parcels) == 2 and put.parcels[0] == put.parcels[1]
        keeper = deliver.house(deliver.settings.current())
        assert not any(lane.callers for lane in keeper.lanes._lanes.values())
        assert keeper.callers._number == 0
