"""An event that was pushed while nobody could write the ledger is ours all the same, and is taken back later."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from misp_support import wait_until
from pushed_events import attribute, event

from misp_workflow.delivery import deliver
from misp_workflow.delivery.ledger import background, ledger_of
from misp_workflow.delivery.ledger import sqlite as on_disk
from misp_workflow.installed import own_actions
from misp_workflow.settings import current
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn


def test_what_is_withdrawn_that_was_pushed_while_the_ledger_was_locked(
    tmp_path: Path, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It "was not pushed from here, and stays": for good, at another MISP."""
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(on_disk, "BUSY", 0.1)
    monkeypatch.setattr(background, "AGAIN_AFTER", 0.1)
    action = ActionFile.load(next(one for one in own_actions() if one.stem == "misp_event_push")).module
    with MispStandIn() as there:
        place = f'server_url = "{there.url}"\napi_key = "{there.key}"\n'
        rules(f'answer_within = "30 s"\n[destinations.there]\ntlp = "amber"\n[destinations.there.parameters]\n{place}')

        def push(what: dict[str, Any]) -> str:
            params = {"destination": "there", "selected_or_all": "all", "on_withdraw": "delete"}
            said = action.handler(q=json.dumps({"data": {"Event": what}, "params": params}))
            return str(said.get("error") or said["data"]["detail"])

        first, ours = (event(attribute(f"{name}.example")) for name in ("first", "ours"))
        assert "was added" in push(first)  # so there is a ledger
        book = ledger_of(current())
        book.settle(20.0)
        bare = {name: value for name, value in ours.items() if name not in ("Attribute", "RelatedEvent")}
        gone = {**bare, "published": False, "timestamp": str(int(ours["timestamp"]) + 1)}
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / on_disk.NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert "was added" in push(ours)
            assert "is behind" in push(gone)
            assert there.event(ours["uuid"]), "it waits until it is known what is there"
            other.execute("ROLLBACK")
        book.settle(20.0)
        deliver.stop()  # the workers do not wait for their time in a test
        deliver.house(current()).outbox.requeue([one.key for one in deliver.house(current()).outbox.entries()])
        deliver.house(current()).workers.start()

        def is_gone() -> bool:
            with contextlib.suppress(KeyError):
                return not there.event(ours["uuid"])
            return True

        wait_until(is_gone)
        deliver.stop()
