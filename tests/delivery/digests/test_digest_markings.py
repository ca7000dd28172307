"""Many messages as one still say how far each may go, and a mail says it in its subject."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from misp_workflow.delivery import digest
from misp_workflow.effects import Mail, Post
from misp_workflow.testing import Receiver
from misp_workflow.testing.contract import ActionFile, sample_params

ACTIONS = Path(__file__).resolve().parents[3] / "misp_modules/modules/action_mod"
CHATS = [
    *("discord_message", "googlechat_message", "matrix_message", "mattermost_message"),
    *("rocketchat_message", "slack_message", "teams_card", "telegram_message", "webex_message", "zulip_message"),
]


def event(number: int, level: str) -> dict[str, Any]:
    row = {"uuid": f"{number:08d}-0000-4000-8000-000000000000", "type": "domain", "value": f"n{number}.example"}
    row |= {"event_id": "7", "category": "Network activity", "to_ids": True, "deleted": "1"}
    uuid = "11111111-2222-4333-8444-555555555555"
    return {"Event": {"id": "7", "uuid": uuid, "info": "any", "Tag": [{"name": f"tlp:{level}"}], "Attribute": [row]}}


@pytest.mark.waits
@pytest.mark.parametrize("name", CHATS)
def test_each_message_of_many_says_how_far_it_may_go(name: str, receiver: Receiver) -> None:
    action = ActionFile.load(ACTIONS / f"{name}.py")
    params = {**sample_params(action, receiver.url), "digest": "1"}
    for number, level in ((1, "green"), (2, "amber+strict")):
        request = {"module": name, "data": event(number, level), "params": params}
        assert action.module.handler(q=json.dumps(request))["data"]["status"] == "queued"
    end = time.monotonic() + 60
    while "messages in" not in (said := unquote_plus("".join(one.body.decode() for one in receiver.requests))):
        assert time.monotonic() < end, said
        time.sleep(0.01)
    for told in ("GREEN", "AMBER", "STRICT", "n1", "n2"):
        assert told in said, said


@pytest.mark.parametrize(
    ("subjects", "said"),
    [
        (
            ["[TLP:GREEN] Event 1", "[TLP:AMBER+STRICT] Event 2", "[TLP:CLEAR] 3"],
            "[TLP:AMBER+STRICT] 3 messages in 5 s",
        ),
        (["Event 1", "[TLP:GREEN] Event 2"], "[TLP:GREEN] 2 messages in 5 s"),
        (["Weekly, TLP: red", "Weekly, tlp:amber"], "[TLP:RED] 2 messages in 5 s"),
        (["Event 1", "TLPs"], "2 messages in 5 s"),
    ],
)
def test_the_subject_of_many_mails_says_the_strictest_marking(subjects: list[str], said: str) -> None:
    mails = [
        Mail(server="x", port=25, sender="a@x", to="b@x", subject=one, text=one, digest=("text", "subject"))
        for one in subjects
    ]
    merged = digest.merge(mails, 5)
    assert isinstance(merged, Mail) and merged.subject == said


@pytest.mark.parametrize("facts", [None, "x", [1], ["x"], [{"title": "x"}], {"title": "x"}])
def test_a_part_that_is_no_list_of_facts_says_nothing(facts: Any) -> None:
    posts = [Post(url="http://x", json={"text": "a", "more": {"facts": facts}}, digest=("json.text", "json.more"))] * 2
    assert getattr(digest.merge(posts, 5), "json", None) == {"text": "2 messages in 5 s:\n2 × a"}
