"""The example workflows that tell people, run on what MISP sends, against receivers that stand in for the services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.mail import MailServer

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"

SETTINGS = """
[destinations.admins.parameters]
webhook_url = "{url}/hooks/admins"

[destinations.on-call.parameters]
routing_key = "e93facc04764012d7bfb002500d5d1a6"
server_url = "{url}"

[destinations.soc-room.parameters]
server_url = "{url}"
access_token = "syt_secret_token"
room_id = "!soc:example.org"

[destinations.partners.parameters]
smtp_server = "127.0.0.1"
port = "{port}"
security = "none"
sender = "misp@example.org"
recipients = "partner@example.org"
"""


@pytest.fixture
def ran(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run an example on data; return the mail server that its mails go to."""
    settings = tmp_path / "settings.toml"
    settings.touch(mode=0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))

    def go(name: str, data: Any, server: MailServer | None = None) -> None:
        settings.write_text(SETTINGS.format(url=receiver.url, port=server.port if server else 25))
        workflow = load((ROOT / "examples" / "workflows" / f"{name}.json").read_bytes())
        done = run(workflow, data, LocalServer([ACTIONS]))
        assert done.success, done

    return go


def test_new_users_are_told_without_their_secrets(ran, receiver: Receiver, captures: dict[str, Any]):
    receiver.always(answer("ok"))
    ran("tell-on-new-user", captures["user-after-save"]["data"])
    (request,) = receiver.requests
    assert "New user joined" in request.json()["text"]
    assert not [part for part in ("example-plaintext", "EXAMPLEauthkey", "$2y$") if part in request.body.decode()]


@pytest.mark.parametrize(("action", "cards"), [("login_fail", 1), ("edit", 0)])
def test_failed_logins_make_a_card(action: str, cards: int, ran, receiver: Receiver, captures: dict[str, Any]):
    receiver.always(answer(status=202))
    data = json.loads(json.dumps(captures["log-after-save"]["data"]))
    data["Log"]["action"] = action
    ran("tell-on-failed-login", data)
    titles = [
        request.json()["attachments"][0]["content"]["body"][0]["items"][0]["text"] for request in receiver.requests
    ]
    assert len(titles) == cards and all("Failed login" in title for title in titles)


def test_indicators_for_detection_are_mailed_as_csv(ran, captures: dict[str, Any]):
    with MailServer() as server:
        ran("mail-indicators", captures["event-publish"]["data"], server)
        (mail,) = server.mails
    (attached,) = mail.message.iter_attachments()
    head, *rows = attached.get_payload(decode=True).decode().splitlines()
    column = head.split(",").index("to_ids")
    assert mail.message["Subject"] == "[TLP:AMBER] [MISP] publish me rich"
    assert len(rows) == 4 and {row.split(",")[column] for row in rows} == {"1"}


@pytest.mark.parametrize(("level", "path"), [("1", "/v2/enqueue"), ("3", "/_matrix/")])
def test_high_threats_page_and_others_are_told(
    level: str, path: str, ran, receiver: Receiver, captures: dict[str, Any]
):
    receiver.always(answer({"status": "success", "event_id": "$1"}, status=202))
    data = json.loads(json.dumps(captures["event-after-save-new"]["data"]))
    data["Event"]["threat_level_id"] = level
    ran("page-on-high-threat", data)
    (request,) = receiver.requests
    assert request.path.startswith(path)
