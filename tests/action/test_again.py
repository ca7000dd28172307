"""Told once more: only what changed, or nothing; what is remembered, where, and what is not."""

from __future__ import annotations

import copy
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from brokers import Brokers

from misp_workflow import delivery, settings
from misp_workflow.delivery.ledger import close, ledger_of
from misp_workflow.delivery.trial import trial
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.mail import MailServer

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def data(captures) -> dict[str, Any]:
    """An event as it is on event-publish."""
    return copy.deepcopy(captures["event-publish"]["data"])


@pytest.fixture
def tell(receiver: Receiver) -> Tell:
    """Tell Mattermost of an event; the same node each time, but for what is given."""
    receiver.always(answer("ok"))
    action = ActionFile.load(ACTIONS / "mattermost_message.py")

    def go(data: Any, **params: str) -> dict[str, Any]:
        given = {"webhook_url": f"{receiver.url}/hook", "again": "changed", **params}
        return action.ask(json.dumps({"module": action.name, "data": data, "params": given}).encode())

    return go


def changed(data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the event published again, with other fields."""
    event = {**data["Event"], "timestamp": str(int(data["Event"]["timestamp"]) + 60)}
    return {"Event": {**event, **fields}}


def more(data: dict[str, Any], number: int) -> list[dict[str, Any]]:
    rows = [
        {"uuid": f"00000000-0000-4000-8000-{n:012}", "type": "domain", "value": f"n{n}.example", "to_ids": True}
        for n in range(number)
    ]
    return [*data["Event"]["Attribute"], *rows]


def grown(data: dict[str, Any]) -> dict[str, Any]:
    """Return the event with twelve more attributes, and green in place of amber."""
    return json.loads(json.dumps(changed(data, Attribute=more(data, 12))).replace("tlp:amber", "tlp:green"))


def texts(receiver: Receiver) -> list[str]:
    return [request.json()["text"].replace("\\", "") for request in receiver.requests]


def test_unchanged_is_not_told_again(tell: Tell, data, receiver: Receiver) -> None:
    assert tell(data)["data"]["status"] == "delivered"
    said = tell(changed(data))["data"]
    assert said["status"] == "skipped"
    assert said["detail"].startswith("Not told again: it was told on 20")
    assert len(receiver.requests) == 1


def test_what_changed_is_told_and_nothing_else(tell: Tell, data, receiver: Receiver) -> None:
    tell(data)
    now = grown(data)
    tell(now)
    title, _, *lines = texts(receiver)[1].splitlines()
    assert title == "**Event 57: publish me rich**"
    told = ["- **TLP:** GREEN", "- **Updated:** +12 attributes, TLP amber → green", "- 1 attribute withheld: TLP:RED"]
    assert lines == told, "what has not changed is told again"
    assert tell(changed(now))["data"]["status"] == "skipped"


def test_each_change_has_its_words(tell: Tell, data, receiver: Receiver) -> None:
    tell(data)
    rows = more(data, 3)
    steps = {
        "+3 attributes": {"Attribute": rows},
        "−1 attribute": {"Attribute": rows[:-1]},
        "1 attribute corrected": {"Attribute": [*rows[:-2], {**rows[-2], "value": "other.example"}]},
        "threat level medium → high": {"threat_level_id": "1"},
        "title changed": {"info": "publish me richer"},
    }
    now = data
    for words, fields in steps.items():
        now = changed(now, **fields)
        tell(now)
        assert f"**Updated:** {words}" in texts(receiver)[-1]
    assert "publish me richer" in texts(receiver)[-1]


def test_a_changed_fact_that_is_event_text_is_shown(tell: Tell, data, receiver: Receiver) -> None:
    tell(data)
    tell(changed(data, Tag=[*data["Event"]["Tag"], {"name": "workflow:new"}]))
    assert "**Updated:** tags changed" in texts(receiver)[1] and "workflow:new" in texts(receiver)[1]


@pytest.mark.parametrize(("again", "told"), [("always", 2), ("never", 1)])
def test_always_and_never(again: str, told: int, tell: Tell, data, receiver: Receiver) -> None:
    tell(data, again=again)
    said = tell(changed(data, info="another"), again=again)["data"]
    assert len(receiver.requests) == told
    assert again == "always" or said["detail"].endswith("(again: never).")


def test_after_the_quiet_time_it_is_told_whole(tell: Tell, data, receiver: Receiver) -> None:
    end = time.monotonic() + 30
    while (
        tell(changed(data, timestamp=str(time.time())), quiet="1")["data"]["status"] == "skipped"
        or not texts(receiver)[1:]
    ):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "Updated" not in texts(receiver)[1] and "Attributes" in texts(receiver)[1]


def test_own_text_is_compared_and_says_what_changed(tell: Tell, data, receiver: Receiver) -> None:
    own = {"message": "{{ event.info }} has {{ attributes|length }}"}
    tell(data, **own)
    assert tell(changed(data, threat_level_id="1"), **own)["data"]["status"] == "skipped", "it does not show that"
    tell(changed(data, Attribute=more(data, 2)), **own)
    assert texts(receiver)[1].startswith("Updated: +2 attributes\npublish me rich has ")
    placed = {"message": "{{ event.info }}{% if update %} ({{ update }}){% endif %}"}
    tell(data, **placed)
    tell(changed(data, info="news"), **placed)
    assert [one.splitlines()[0] for one in texts(receiver)[2:]] == ["publish me rich", "news (title changed)"]


def test_two_nodes_two_places_two_kinds_of_call_know_nothing_of_each_other(
    tell: Tell, data, receiver: Receiver
) -> None:
    tell(data)
    tell(data, webhook_url=f"{receiver.url}/another")
    tell(data, message="{{ event.info }}")
    bare = {name: value for name, value in data["Event"].items() if not isinstance(value, (list, dict))}
    tell({"Event": {**bare, "Tag": data["Event"]["Tag"]}})  # the row of an event that was saved
    assert len(receiver.requests) == 4


def test_an_attribute_is_a_thing_of_its_own(tell: Tell, captures, receiver: Receiver) -> None:
    data = copy.deepcopy(captures["attribute-after-save"]["data"])
    (row,) = data["Event"]["Attribute"]
    tell(data)
    row["timestamp"] = "1"
    assert tell(data)["data"]["status"] == "skipped"
    row["comment"] = "now with a comment"
    tell(data)
    assert "comment changed" in texts(receiver)[1]
    row["uuid"] = "00000000-0000-4000-8000-000000000009"
    tell(data)
    assert "Updated" not in texts(receiver)[2]


def test_what_is_always_news(tell: Tell, captures, receiver: Receiver) -> None:
    for number in range(2):
        log = {**captures["log-after-save"]["data"]["Log"], "id": str(number)}
        tell({"Log": log}, again="never")
    assert len(receiver.requests) == 2


def test_a_dry_run_remembers_nothing_and_says_what_is_known(tell: Tell, data, receiver: Receiver) -> None:
    tell(data, dry_run="true")
    tell(data)
    assert tell(changed(data), dry_run="true")["data"]["status"] == "skipped"
    with trial():
        assert tell(changed(data))["data"]["status"] == "dry-run"
    assert len(receiver.requests) == 1


def test_what_was_refused_is_told_next_time(tell: Tell, data, receiver: Receiver) -> None:
    receiver.answers(answer(status=404))
    assert "error" in tell(data)
    assert tell(changed(data))["data"]["status"] == "delivered"
    assert "Updated" not in texts(receiver)[1]


def test_it_is_remembered_over_a_restart_and_holds_no_event_text(tell: Tell, data) -> None:
    tell(data)
    delivery.stop()
    close()
    assert tell(changed(data))["data"]["status"] == "skipped"
    close()
    file = settings.current().state_folder / "sent.sqlite3"
    assert b"publish me rich" not in file.read_bytes() and b"ORGNAME" not in file.read_bytes()
    rows = list(ledger_of(settings.current()).of(data["Event"]["uuid"]))
    assert [row.item for row in rows] == [""], "what was told stands among what went where"


def test_a_ledger_that_cannot_be_read_costs_a_repetition(tell: Tell, data, receiver: Receiver, caplog) -> None:
    tell(data)
    close()
    file = settings.current().state_folder / "sent.sqlite3"
    file.unlink()
    file.mkdir()
    with caplog.at_level(logging.WARNING):
        assert tell(changed(data))["data"]["status"] == "delivered"
    assert "What was told before is not known" in caplog.text


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        "{}",
        '{"facts": 1, "rows": "", "text": "", "own": false}',
        '{"facts": {}, "rows": "x", "text": "", "own": false}',
    ],
)
def test_a_damaged_row_costs_a_repetition(said: str, tell: Tell, data, receiver: Receiver, caplog) -> None:
    tell(data)
    close()
    with closing(sqlite3.connect(settings.current().state_folder / "sent.sqlite3")) as ledger, ledger:
        assert ledger.execute("UPDATE sent SET id = ? WHERE destination LIKE '=%'", [said]).rowcount == 1
    assert tell(changed(data))["data"]["status"] == "delivered"
    assert "Updated" not in receiver.requests[-1].json()["text"]
    assert "is damaged" in caplog.text


def test_it_is_known_to_all_who_share_a_redis(
    brokers: Brokers, tmp_path: Path, tell: Tell, data, monkeypatch, rules
) -> None:
    with brokers("redis") as broker:
        rules(f'answer_within = "30 s"\n[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase for all"\n')
        tell(data)
        delivery.stop()
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another machine"))
        assert tell(changed(data))["data"]["status"] == "skipped"
        delivery.stop()


def test_an_update_of_a_mail_stands_in_all_its_parts(data) -> None:
    action = ActionFile.load(ACTIONS / "email_message.py")
    with MailServer() as server:
        params = {"smtp_server": "127.0.0.1", "smtp_port": str(server.port), "smtp_security": "none"}
        params |= {"sender": "misp@example.org", "recipients": "soc@example.org", "again": "changed"}
        for own in ({}, {"message": "text", "html_body": "<b>{{ attributes|length }}</b>"}):
            for event in (data, grown(data)):
                given = {**params, **own}
                said = action.ask(json.dumps({"module": action.name, "data": event, "params": given}).encode())
                assert said["data"]["status"] in ("delivered", "skipped")
        plain = [mail.message.get_body(("plain",)).get_content() for mail in server.mails]
        html = [mail.message.get_body(("html",)).get_content() for mail in server.mails]
    assert "Updated: +12 attributes, TLP amber → green" in plain[1] and "+12 attributes" in html[1]
    assert "<p>Updated: +12 attributes, TLP amber → green</p>" in html[3]
    assert [mail.message["Subject"][:13] for mail in server.mails[:2]] == ["[TLP:AMBER] E", "[TLP:GREEN] E"]
