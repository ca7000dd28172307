"""Decisions in the real CrowdSec where it is installed: what a bouncer is told, and what it is not told any more."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crowdsec_kit import PASSWORD, CrowdSec, crowdsec_running
from siem_kit import EVENT, ask, attribute, event

from misp_workflow import settings
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.dialects import crowdsec as dialect
from misp_workflow.delivery.transports.request import tokens
from misp_workflow.testing import Receiver, answer


@pytest.fixture(autouse=True)
def _no_token_of_others() -> None:
    tokens._known.clear()


class Told(CrowdSec):
    def tell(self, data: dict[str, Any], **more: str) -> dict[str, Any]:
        return decide(self.url, data, **more)


def decide(url: str, data: dict[str, Any], **more: str) -> dict[str, Any]:
    given = {"machine_id": "misp", "password": PASSWORD, "allow_reserved": "true", **more}
    return ask("crowdsec_decision", data, server_url=url, **given)


@pytest.fixture
def crowdsec(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Told]:
    with crowdsec_running(tmp_path, program) as server:
        yield Told(server.port)


def address(number: int, value: str = "", **more: Any) -> dict[str, Any]:
    return attribute(number, "ip-dst", value or f"198.51.100.{number}", **more)


def scenario(number: int) -> str:
    return f"misp/{attribute(number)['uuid']}"


def test_a_bouncer_is_told_what_stands_and_nothing_else(crowdsec: Told) -> None:
    rows = [
        address(1),
        address(2, "192.0.2.64/26"),
        address(3, "2001:DB8:0::1"),
        attribute(4, "ip-src|port", "203.0.113.5|443"),
        attribute(5, "domain|ip", "bad.example|203.0.113.6"),
        attribute(6, "domain", "bad.example"),
        address(7, to_ids=False),  # a deletion counts, too
    ]
    said = crowdsec.tell(event(*rows))
    assert said["data"]["status"] == "delivered", said
    assert "6 in" in said["data"]["detail"] and "1 attribute was left out: of a type" in said["data"]["detail"]
    banned = crowdsec.banned()
    assert banned.keys() == {"198.51.100.1", "192.0.2.64/26", "2001:db8::1", "203.0.113.5", "203.0.113.6"}
    assert banned["192.0.2.64/26"] == ("Range", "ban", "misp", scenario(2))
    assert banned["2001:db8::1"][0] == "Ip"


def test_said_again_or_corrected_it_is_there_once(crowdsec: Told) -> None:
    crowdsec.tell(event(address(1), address(2)))
    crowdsec.tell(event(address(1), address(2)), keep_hours="4")
    assert crowdsec.banned().keys() == {"198.51.100.1", "198.51.100.2"}
    crowdsec.tell(event(address(1, "203.0.113.9"), whole=False), decision="captcha")
    assert crowdsec.banned()["203.0.113.9"] == ("Ip", "captcha", "misp", scenario(1))
    assert crowdsec.banned().keys() == {"203.0.113.9", "198.51.100.2"}


@pytest.mark.parametrize("change", [{"deleted": True}, {"to_ids": False}, {"Tag": [{"name": "false-positive"}]}])
def test_what_is_withdrawn_is_deleted(crowdsec: Told, change: dict[str, Any]) -> None:
    crowdsec.tell(event(address(1), address(10), address(2)))
    crowdsec.tell(event(address(1, **change), whole=False), withdraw_tags="false-*")
    assert crowdsec.banned().keys() == {"198.51.100.10", "198.51.100.2"}
    crowdsec.tell(event(address(10)))  # the other one left the event
    assert crowdsec.banned().keys() == {"198.51.100.10"}
    crowdsec.tell(event(address(10)), event_goes="true")
    assert crowdsec.banned() == {}


def forget() -> None:
    """Take away the ledger, as it is when a try ended before anything was noted."""
    ledger = ledger_of(settings.current())
    ledger.close()
    ledger.path.unlink()  # type: ignore[attr-defined]


@pytest.mark.parametrize("deleted", [1, 2])
def test_a_try_that_ended_amid_its_deletions_leaves_nothing_twice(
    crowdsec: Told, monkeypatch: pytest.MonkeyPatch, deleted: int
) -> None:
    rows = [address(number) for number in (3, 1, 2)]
    crowdsec.tell(event(*rows))
    asked, left = dialect._Session._asked, [deleted]

    def ends(self: Any, post: Any, success: int) -> Any:
        left[0] -= post.method == "DELETE"
        if left[0] < 0:
            raise dialect._EndedError(Answer(outcome="refused", detail="it is over"))
        return asked(self, post, success)

    forget()
    with monkeypatch.context() as patched:
        patched.setattr(dialect._Session, "_asked", ends)
        assert "it is over" in crowdsec.tell(event(*rows))["error"]
    forget()
    crowdsec.tell(event(*rows))
    assert crowdsec.banned().keys() == {"198.51.100.1", "198.51.100.2", "198.51.100.3"}


def test_what_a_failed_request_left_without_its_alert_is_gone(
    crowdsec: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As CrowdSec does it when its database is locked: 500, and some decisions are there, which no alert shows."""
    crowdsec.tell(event(address(1)))
    asked = dialect._Session._asked

    def fails(self: Any, post: Any, success: int) -> Any:
        said = asked(self, post, success)
        if post.method == "POST" and success == 201:
            with contextlib.closing(sqlite3.connect(tmp_path / "crowdsec.db", timeout=20)) as database, database:
                last = "(SELECT max(id) FROM alerts)"
                database.execute(f"UPDATE decisions SET alert_decisions = NULL WHERE alert_decisions = {last}")
                database.execute(f"DELETE FROM alerts WHERE id = {last}")
            raise dialect._EndedError(Answer(outcome="again", detail="database is locked", down=True))
        return said

    with monkeypatch.context() as patched:
        patched.setattr(dialect._Session, "_asked", fails)
        said = crowdsec.tell(event(address(1), address(2), address(3)))
    assert said["data"]["status"] == "queued", said
    assert {one["value"] for one in crowdsec.decisions()} == {"198.51.100.1"}  # that stood before


def test_what_the_ledger_never_heard_of_is_not_there_twice(crowdsec: Told) -> None:
    crowdsec.tell(event(address(1), address(2)))
    forget()
    crowdsec.tell(event(address(1), address(2), address(3)), keep_hours="4")
    assert crowdsec.banned().keys() == {"198.51.100.1", "198.51.100.2", "198.51.100.3"}


def test_what_must_never_be_banned_is_refused_and_the_rest_is_in(crowdsec: Told) -> None:
    rows = [address(1, "8.8.8.8"), address(2, "10.0.0.0/8"), address(3, "0.0.0.0/0"), address(4, "999.1.1.1")]
    said = crowdsec.tell(event(*rows), allow_reserved="false")
    detail = said["data"]["detail"]
    assert "1 in, 3 refused" in detail and "private, reserved" in detail and "wider than /8" in detail, said
    assert crowdsec.banned().keys() == {"8.8.8.8"}


def test_a_wrong_password_is_an_error_that_says_what_to_do(crowdsec: Told) -> None:
    said = crowdsec.tell(event(address(1)), password="wrong-password-9")
    assert "401" in said["error"] and "cscli machines" in said["error"] and "wrong-password-9" not in said["error"]


def test_a_login_that_is_over_is_made_anew(crowdsec: Told) -> None:
    tokens.keep((f"{crowdsec.url}/v1", "misp", PASSWORD), "not-a-token", 3600)
    assert crowdsec.tell(event(address(1)))["data"]["status"] == "delivered"
    assert crowdsec.banned().keys() == {"198.51.100.1"}


LOGIN = answer({"code": 200, "token": "jwt", "expire": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([answer({"message": "database is locked"}, 500)], "queued"),
        ([LOGIN, answer(b"null"), answer({"message": "database is locked"}, 500)], "queued"),
        ([LOGIN, answer(b"null"), answer({"message": "access forbidden"}, 403)], "403"),
        ([answer(b"<html>")], "check the address"),
    ],
)
def test_what_goes_wrong_is_told(receiver: Receiver, replies: list[Any], told: str) -> None:
    receiver.answers(*replies)
    said = decide(receiver.url, event(address(1), whole=False))
    assert told in (said.get("error") or said["data"]["status"]), said


def test_nothing_to_decide_on_asks_nobody(receiver: Receiver) -> None:
    said = decide(receiver.url, event(attribute(1), whole=False))
    assert said["data"]["status"] == "skipped" and receiver.requests == []
    assert EVENT not in json.dumps(said)
