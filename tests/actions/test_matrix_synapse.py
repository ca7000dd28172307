"""Matrix messages in a real homeserver."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from misp_workflow.delivery import transports
from misp_workflow.effects import Post
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.synapse import Synapse

pytestmark = pytest.mark.waits
FILE = Path(__file__).parents[2] / "misp_modules/modules/action_mod/matrix_message.py"


def python_with_synapse() -> str:
    """Return a Python that has matrix-synapse: this one, or the one that MISP_WORKFLOW_SYNAPSE names."""
    if named := os.environ.get("MISP_WORKFLOW_SYNAPSE"):
        return named
    if importlib.util.find_spec("synapse"):
        return sys.executable
    reason = (
        "matrix-synapse is not installed: pip install matrix-synapse, or name another Python: MISP_WORKFLOW_SYNAPSE"
    )
    if os.environ.get("MISP_WORKFLOW_TEST_PEERS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    with Synapse(tmp_path_factory.mktemp("synapse"), python_with_synapse()) as server:
        yield server


@pytest.fixture(scope="module")
def token(homeserver: Synapse) -> str:
    return homeserver.register("misp")


@pytest.fixture
def room(homeserver: Synapse, token: str) -> str:
    return homeserver.create_room(token)


def ask(homeserver: Synapse, token: str, room: str, data: Any, **params: str) -> Any:
    given = {"server_url": homeserver.url, "access_token": token, "room_id": room, **params}
    request = {"module": "matrix_message", "data": data, "params": given}
    return ActionFile.load(FILE).module.handler(q=json.dumps(request))


def test_a_summary_arrives_as_text_and_as_html(homeserver: Synapse, token: str, room: str, captures: dict[str, Any]):
    said = ask(homeserver, token, room, captures["event-publish"]["data"])
    assert said["data"]["status"] == "delivered", said
    (message,) = homeserver.messages(token, room)
    assert message["body"].startswith("Event 57: publish me rich\nTLP: AMBER\n")
    assert "<strong>Event 57: publish me rich</strong>" in message["formatted_body"]


def test_event_text_is_text_and_mentions_nobody(homeserver: Synapse, token: str, room: str):
    event = {"Event": {"id": "1", "uuid": "u", "info": "{{ 7*7 }} @room <b>x</b> https://evil.example/ \u202e"}}
    assert "data" in ask(homeserver, token, room, event, message="About {{ event.info }}")
    (message,) = homeserver.messages(token, room)
    assert message["body"] == "About {{ 7*7 }} @room <b>x</b> hxxps://evil[.]example/ [U+202E]"
    assert "&lt;b&gt;x&lt;/b&gt;" in message["formatted_body"] and message["m.mentions"] == {}


def test_a_message_of_ten_thousand_lines_is_not_too_large(homeserver: Synapse, token: str, room: str):
    event = {"Event": {"id": "1", "uuid": "u", "info": '"\\\\ünïcode 😀"', "Attribute": []}}
    said = ask(homeserver, token, room, event, message="{% for n in range(10000) %}{{ event.info }}\n{% endfor %}")
    assert said["data"]["status"] == "delivered", said
    (message,) = homeserver.messages(token, room)
    assert message["body"].endswith("[cut]") and "formatted_body" not in message


def test_a_repeated_try_shows_once(homeserver: Synapse, token: str, room: str):
    post = Post(
        url=f"{homeserver.url}/_matrix/client/v3/rooms/{room}/send/m.room.message",
        method="PUT",
        key_at="path",
        bearer=token,
        json={"msgtype": "m.text", "body": "once"},
        expect_fields=("event_id",),
    )
    for _ in range(3):
        assert transports.send(post, "the-same-key", time.monotonic() + 20).outcome == "delivered"
    assert transports.send(post, "another-key", time.monotonic() + 20).outcome == "delivered"
    assert [message["body"] for message in homeserver.messages(token, room)] == ["once", "once"]


def test_a_wrong_token_and_a_foreign_room(homeserver: Synapse, token: str, captures: dict[str, Any]):
    data = captures["log-after-save"]["data"]
    foreign = homeserver.create_room(homeserver.register("stranger"))
    refused = ask(homeserver, "syt_wrong_token", foreign, data)
    assert "401" in refused["error"] and "syt_wrong_token" not in refused["error"]
    assert "403" in ask(homeserver, token, foreign, data)["error"]
    assert "error" in ask(homeserver, token, "!nowhere:localhost", data)


def test_what_the_rate_limit_holds_back_arrives_later(homeserver: Synapse):
    admin, token = homeserver.register("boss", admin=True), homeserver.register("slow")
    room = homeserver.create_room(token)
    limit = {"messages_per_second": 1, "burst_count": 1}
    homeserver.ask("POST", "/_synapse/admin/v1/users/@slow:localhost/override_ratelimit", limit, admin)
    events = [{"Event": {"id": str(n), "uuid": f"u-{n}", "info": f"number {n}", "timestamp": str(n)}} for n in range(3)]
    said = [ask(homeserver, token, room, event, message="{{ event.info }}") for event in events]
    assert all("data" in answer for answer in said) and "queued" in {answer["data"]["status"] for answer in said}, said
    for _ in range(1200):
        found = sorted(message["body"] for message in homeserver.messages(token, room))
        if len(found) >= len(events):
            break
        time.sleep(0.1)
    assert found == ["number 0", "number 1", "number 2"]


def test_a_file_is_brought_and_stands_behind_the_message(homeserver: Synapse, token: str, room: str):
    event = {"Event": {"id": "1", "uuid": "u", "info": "ünïcode 😀 <b>"}}
    lines = "{% for n in range(3000) %}{{ n }} {{ event.info }}<br>\n{% endfor %}"
    said = ask(homeserver, token, room, event, message=lines, overflow="attach")
    assert said["data"]["detail"].startswith("Matrix: 2 messages were delivered with a file."), said
    text, file = homeserver.messages(token, room)
    assert text["msgtype"] == "m.text" and text["body"].endswith("[cut]")
    assert (file["msgtype"], file["body"], file["info"]["mimetype"]) == ("m.file", "event-u.txt", "text/plain")
    request = Request(f"{homeserver.url}/_matrix/client/v1/media/download/{file['url'].removeprefix('mxc://')}")
    request.add_header("Authorization", f"Bearer {token}")
    with urlopen(request, timeout=20) as got:
        content = got.read()
    assert content.decode().splitlines()[:2] == ["0 ünïcode 😀 <b>", "1 ünïcode 😀 <b>"]
    assert "2999 ünïcode" in content.decode() and len(content) == file["info"]["size"]
