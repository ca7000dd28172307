"""Of two calls about an attribute the later one counts, whichever arrives last, wherever records go."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from siem_kit import EVENT, ask, attribute, bulk_answer, event

from misp_workflow import settings
from misp_workflow.delivery import deliver, retry
from misp_workflow.delivery.deliver import house
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.ledger.sqlite import SqliteLedger
from misp_workflow.testing import Receiver, answer

TAGS = {"withdraw_tags": "status:*"}


@pytest.fixture
def slow_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to wait waits until the test lets it go."""
    for place in (retry, deliver):
        monkeypatch.setattr(place, "back_off", lambda *_: 3600.0)


def put(receiver: Receiver, data: dict[str, Any], **params: str) -> dict[str, Any]:
    return ask("elastic_document", data, server_url=receiver.url, **params)


def let_go() -> None:
    """Have everything that waits tried now, and see the outbox empty."""
    box = house(settings.current()).outbox
    assert box.requeue([entry.key for entry in box.entries()])
    house(settings.current()).workers.wake()
    for _ in range(2400):
        if not list(box.entries()):
            return
        time.sleep(0.05)
    pytest.fail(f"it still waits: {list(box.entries())}")


def said(receiver: Receiver) -> list[tuple[str, str, str]]:
    """Return what the receiver was told in all: (what, index, id)."""
    lines = [json.loads(line) for one in receiver.requests for line in one.body.decode().splitlines()]
    return [
        (name, line[name]["_index"], line[name]["_id"])
        for line in lines
        for name in ("index", "delete")
        if name in line and "_id" in line[name]
    ]


A = attribute(1)


def test_a_record_that_had_to_wait_is_no_longer_said_when_it_was_withdrawn_meanwhile(
    receiver: Receiver, slow_retry: None
) -> None:
    receiver.answers(answer({}, 503), bulk_answer({"status": 200}))
    receiver.always(bulk_answer({"status": 201}))
    assert put(receiver, event(A, whole=False))["data"]["status"] == "queued"
    put(receiver, event({**A, "deleted": True}, whole=False))
    let_go()
    assert [what for what, _, _ in said(receiver)] == ["index", "delete"]
    assert [row.withdrawn for row in ledger_of(settings.current()).of(EVENT)] == [True]


def test_a_withdrawal_that_had_to_wait_takes_nothing_back_that_came_again(receiver: Receiver, slow_retry: None) -> None:
    receiver.answers(bulk_answer({"status": 201}), answer({}, 503))
    receiver.always(bulk_answer({"status": 200}))
    put(receiver, event(A, whole=False))
    put(receiver, event({**A, "to_ids": False}, whole=False))
    put(receiver, event(A, whole=False))
    let_go()
    assert [what for what, _, _ in said(receiver)] == ["index", "delete", "index"]


def test_what_had_to_wait_comes_too_late_once_its_event_was_unpublished(receiver: Receiver, slow_retry: None) -> None:
    receiver.answers(answer({}, 503))
    receiver.always(bulk_answer({"status": 200}))
    put(receiver, event(A, attribute(2)))
    assert put(receiver, event(published=False, whole=False))["data"]["status"] in ("delivered", "skipped")
    let_go()
    assert [what for what, _, _ in said(receiver)] == ["index", "index"], "the first try only"


def test_an_unpublishing_that_had_to_wait_leaves_what_was_published_again(receiver: Receiver, slow_retry: None) -> None:
    receiver.answers(bulk_answer({"status": 201}), answer({}, 503))
    receiver.always(bulk_answer({"status": 200}))
    put(receiver, event(A))
    put(receiver, event(published=False, whole=False))
    put(receiver, event(A))
    let_go()
    assert [what for what, _, _ in said(receiver)] == ["index", "delete", "index"]


def test_what_stands_elsewhere_now_leaves_where_it_stood(receiver: Receiver) -> None:
    receiver.always(bulk_answer({"status": 200}))
    index = {"index": "misp-{{ attribute.type }}"}
    put(receiver, event(A, whole=False), **index)
    put(receiver, event({**A, "type": "hostname"}, whole=False), **index)
    put(receiver, event({**A, "type": "url", "deleted": True}, whole=False), **index)
    name = A["uuid"]
    assert said(receiver) == [
        ("index", "misp-domain", name),
        ("index", "misp-hostname", name),
        ("delete", "misp-domain", name),
        ("delete", "misp-url", name),
        ("delete", "misp-hostname", name),
    ]


def test_what_may_not_go_any_more_is_taken_back_from_who_has_it_only(receiver: Receiver, rules) -> None:
    rules('[destinations.siem]\ntlp = "green"\nunmarked = "green"\n')
    receiver.always(bulk_answer({"status": 200}))
    red = {"Tag": [{"name": "tlp:red"}]}
    put(receiver, event(A, whole=False), destination="siem")
    put(receiver, event({**attribute(2), **red}, whole=False), destination="siem")  # nobody there knows of it
    put(receiver, event({**A, **red}, whole=False), destination="siem")
    assert [(what, name) for what, _, name in said(receiver)] == [("index", A["uuid"]), ("delete", A["uuid"])]
    put(receiver, event(A, whole=False), destination="siem")
    refused = put(receiver, event(A, attribute(3), **red), destination="siem")["error"]
    assert "TLP:RED" in refused and "Taken back: Elasticsearch: 1 in" in refused
    assert [what for what, _, _ in said(receiver)] == ["index", "delete", "index", "delete"]
    refused = put(receiver, event(A, attribute(3), **red), destination="siem")["error"]
    assert refused.endswith("Nothing was sent. Nothing had to be taken back."), refused
    assert len(receiver.requests) == 4


def test_what_is_in_is_in_the_ledger_before_the_outbox_forgets_it(receiver: Receiver, monkeypatch) -> None:
    """Else a kill in between would leave a document that no withdrawal of its event finds."""
    receiver.always(bulk_answer({"status": 201}))
    write = SqliteLedger._write
    monkeypatch.setattr(SqliteLedger, "_write", lambda self, rows: time.sleep(0.3) or write(self, rows))
    put(receiver, event(A, whole=False))
    another = SqliteLedger(settings.current().state_folder, 3600.0)  # as another process sees it
    assert [row.item for row in another.of(EVENT)] == [A["uuid"]]


@pytest.mark.parametrize("there", [[A], []], ids=["with its attributes", "bare"])
def test_a_tag_that_stays_at_home_withdraws_as_well(receiver: Receiver, there: list, rules) -> None:
    rules('[destinations.siem]\ntlp = "green"\nunmarked = "green"\n')
    receiver.always(bulk_answer({"status": 200}))
    put(receiver, event(A), destination="siem", **TAGS)
    local = {"Tag": [{"name": "status:false-positive", "local": True}]}
    put(receiver, event(*there, whole=False, **local), destination="siem", **TAGS)
    assert [what for what, _, _ in said(receiver)] == ["index", "delete"]


@pytest.mark.parametrize("member", ["ShadowAttribute", "EventReport"])
def test_a_proposal_or_a_report_says_nothing_of_the_event(receiver: Receiver, member: str) -> None:
    receiver.always(bulk_answer({"status": 200}))
    put(receiver, event(A))
    said_of_it = {member: [{"id": "1", "type": "domain", "value": "x.example", "name": "x", "content": "x"}]}
    assert put(receiver, event(whole=False, published=False, **said_of_it))["data"]["status"] == "skipped"
    assert [what for what, _, _ in said(receiver)] == ["index"]
