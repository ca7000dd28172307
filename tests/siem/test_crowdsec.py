"""Decisions in the real CrowdSec where it is installed: what a bouncer is told, and what it is not told any more."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_bulk import EVENT, ask, attribute, event

from misp_workflow import settings
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.transports import tokens
from misp_workflow.testing import Receiver, answer, free_port

PASSWORD, BOUNCER = "machine-password-1", "bouncer-key-1234567"
CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: error, working_dir: .}}
config_paths: {{config_dir: {folder}/, data_dir: {folder}/, hub_dir: {folder}/, index_path: {folder}/index.json,
  simulation_path: {folder}/simulation.yaml, notification_dir: {folder}/, plugin_dir: {folder}/}}
db_config: {{log_level: error, type: sqlite, db_path: {folder}/crowdsec.db, use_wal: true}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {folder}/client.yaml}}
  server: {{log_level: error, listen_uri: "127.0.0.1:{port}", profiles_path: {folder}/profiles.yaml}}
prometheus: {{enabled: false}}
"""
PROFILE = 'name: none\nfilters:\n - "false"\non_success: break\n'


@pytest.fixture(autouse=True)
def _no_token_of_others() -> None:
    tokens._known.clear()


class CrowdSec:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def tell(self, data: dict[str, Any], **more: str) -> dict[str, Any]:
        return decide(self.url, data, **more)

    def banned(self) -> dict[str, tuple[str, ...]]:
        """Return what a bouncer is told: value -> its decisions' scope, type, origin and scenario."""
        import urllib.request

        asked = urllib.request.Request(f"{self.url}/v1/decisions", headers={"X-Api-Key": BOUNCER})
        with urllib.request.urlopen(asked, timeout=20) as found:
            decisions = json.load(found) or []
        values = [one["value"] for one in decisions]
        assert len(values) == len(set(values)), f"a decision is there twice: {values}"
        return {one["value"]: (one["scope"], one["type"], one["origin"], one["scenario"]) for one in decisions}


def decide(url: str, data: dict[str, Any], **more: str) -> dict[str, Any]:
    given = {"machine_id": "misp", "password": PASSWORD, "allow_reserved": "true", **more}
    return ask("crowdsec_decision", data, server_url=url, **given)


@pytest.fixture
def crowdsec(tmp_path: Path, program: Callable[[str], str]) -> Iterator[CrowdSec]:
    daemon, cli, port = program("crowdsec"), program("cscli"), free_port()
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path, port=port))
    (tmp_path / "index.json").write_text("{}")
    (tmp_path / "simulation.yaml").write_text("simulation: off\n")
    (tmp_path / "profiles.yaml").write_text(PROFILE)
    (tmp_path / "client.yaml").write_text(f"url: http://127.0.0.1:{port}/\nlogin: none\npassword: none\n")
    config = str(tmp_path / "config.yaml")
    for words in (
        ["machines", "add", "misp", "--password", PASSWORD, "-f", str(tmp_path / "machine.yaml")],
        ["bouncers", "add", "reader", "-k", BOUNCER],
    ):
        subprocess.run([cli, "-c", config, *words], check=True, capture_output=True)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([daemon, "-c", config, "-no-cs"], stdout=log, stderr=log)
    try:
        for _ in range(1200):
            assert process.poll() is None, (tmp_path / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield CrowdSec(port)
    finally:
        process.terminate()
        process.wait(20)


def address(number: int, value: str = "", **more: Any) -> dict[str, Any]:
    return attribute(number, "ip-dst", value or f"198.51.100.{number}", **more)


def scenario(number: int) -> str:
    return f"misp/{attribute(number)['uuid']}"


def test_a_bouncer_is_told_what_stands_and_nothing_else(crowdsec: CrowdSec) -> None:
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


def test_said_again_or_corrected_it_is_there_once(crowdsec: CrowdSec) -> None:
    crowdsec.tell(event(address(1), address(2)))
    crowdsec.tell(event(address(1), address(2)), keep_hours="4")
    assert crowdsec.banned().keys() == {"198.51.100.1", "198.51.100.2"}
    crowdsec.tell(event(address(1, "203.0.113.9"), whole=False), decision="captcha")
    assert crowdsec.banned()["203.0.113.9"] == ("Ip", "captcha", "misp", scenario(1))
    assert crowdsec.banned().keys() == {"203.0.113.9", "198.51.100.2"}


@pytest.mark.parametrize("change", [{"deleted": True}, {"to_ids": False}, {"Tag": [{"name": "false-positive"}]}])
def test_what_is_withdrawn_is_deleted(crowdsec: CrowdSec, change: dict[str, Any]) -> None:
    crowdsec.tell(event(address(1), address(10), address(2)))
    crowdsec.tell(event(address(1, **change), whole=False), withdraw_tags="false-*")
    assert crowdsec.banned().keys() == {"198.51.100.10", "198.51.100.2"}
    crowdsec.tell(event(address(10)))  # the other one left the event
    assert crowdsec.banned().keys() == {"198.51.100.10"}
    crowdsec.tell(event(address(10)), event_goes="true")
    assert crowdsec.banned() == {}


def test_what_the_ledger_never_heard_of_is_not_there_twice(crowdsec: CrowdSec) -> None:
    crowdsec.tell(event(address(1), address(2)))
    ledger = ledger_of(settings.current())
    ledger.close()
    ledger.path.unlink()  # type: ignore[attr-defined]
    crowdsec.tell(event(address(1), address(2), address(3)), keep_hours="4")
    assert crowdsec.banned().keys() == {"198.51.100.1", "198.51.100.2", "198.51.100.3"}


def test_what_must_never_be_banned_is_refused_and_the_rest_is_in(crowdsec: CrowdSec) -> None:
    rows = [address(1, "8.8.8.8"), address(2, "10.0.0.0/8"), address(3, "0.0.0.0/0"), address(4, "999.1.1.1")]
    said = crowdsec.tell(event(*rows), allow_reserved="false")
    detail = said["data"]["detail"]
    assert "1 in, 3 refused" in detail and "private, reserved" in detail and "wider than /8" in detail, said
    assert crowdsec.banned().keys() == {"8.8.8.8"}


def test_a_wrong_password_is_an_error_that_says_what_to_do(crowdsec: CrowdSec) -> None:
    said = crowdsec.tell(event(address(1)), password="wrong-password-9")
    assert "401" in said["error"] and "cscli machines" in said["error"] and "wrong-password-9" not in said["error"]


def test_a_login_that_is_over_is_made_anew(crowdsec: CrowdSec) -> None:
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
