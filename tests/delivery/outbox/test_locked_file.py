"""A file of the outbox that another process holds for longer than a call has time: what MISP hears of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox.on_disk import file
from misp_workflow.installed import own_actions
from misp_workflow.settings import current
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.receiver import Receiver


@pytest.mark.waits
def test_misp_hears_that_it_was_not_taken_and_it_is_not_sent(
    receiver: Receiver, rules: Callable[[str], Path], state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It heard that nobody knows, a moment before the outbox would have said so; and then it was sent."""
    monkeypatch.setattr(file, "BUSY", 60.0)
    rules("answer_within = 4\n")
    action = ActionFile.load(next(one for one in own_actions() if one.stem == "http_request")).module
    deliver([parcel(receiver, "first")])  # so there is a file
    with contextlib.closing(sqlite3.connect(state / file.NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        params = {"url": receiver.url, "body": '"late"', "delivery": "queue"}
        said = action.handler(q=json.dumps({"data": {"Event": {"id": "1", "info": "late"}}, "params": params}))
        other.execute("ROLLBACK")
    assert "did not take it in time" in said["error"]
    assert deliver([parcel(receiver, "last")])[0].status == "delivered"  # the file is written again
    until(lambda: house(current()).outbox.entries() == [])
    assert [one.body for one in receiver.requests if one.body == b'"late"'] == []
