"""Another MISP that answers about something else than asked: nothing is changed there, and nothing is said to be done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.testing.receiver import Received, answer

ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/misp_event_push.py"
OURS, THEIRS = "5d1f0f5e-0000-4000-8000-000000000001", "5d1f0f5e-0000-4000-8000-00000000000f"


@pytest.fixture
def other(rules) -> Iterator[MispStandIn]:
    with MispStandIn() as misp:
        place = f'server_url = "{misp.url}"\napi_key = "{misp.key}"\nverify_tls = "false"\n'
        rules(f'answer_within = "30 s"\n[destinations.there]\ntlp = "amber"\n[destinations.there.parameters]\n{place}')
        yield misp


def push(**params: str) -> str:
    """Push our event; return the error, or the detail."""
    row = {"uuid": "5d1f0f5e-0000-4000-8000-0000000000a1", "type": "domain", "value": "a.example", "to_ids": True}
    row |= {"id": "1", "category": "Network activity", "distribution": "5", "timestamp": "1750000000", "comment": ""}
    event = {"id": "7", "uuid": OURS, "info": "ours", "date": "2026-11-29", "analysis": "1", "threat_level_id": "2"}
    event |= {"distribution": "2", "timestamp": "1750000000", "published": True, "publish_timestamp": "1750000000"}
    event |= {"Orgc": {"uuid": "6e3701a8-d864-4f99-9b37-257af3627fe0", "name": "ORGNAME"}, "RelatedEvent": []}
    event |= {"Tag": [{"name": "tlp:green", "exportable": True}], "Attribute": [row], "locked": False}
    asked = {"destination": "there", "selected_or_all": "all", "delivery": "wait", **params}
    request = {"module": "misp_event_push", "data": {"Event": event}, "params": asked}
    said = ActionFile.load(ACTION).module.handler(q=json.dumps(request))
    return str(said.get("error") or said["data"])


def instead(other: MispStandIn, begins: str, said: Any) -> None:
    known = other._respond

    def respond(request: Received) -> Any:
        return answer(said) if request.path.startswith(begins) else known(request)

    other.always(respond)


def changes(other: MispStandIn) -> list[str]:
    return [one for one in other.calls() if one.startswith("POST") and "restSearch" not in one]


@pytest.mark.parametrize(
    "said",
    [
        [{"Event": {"uuid": THEIRS, "id": "9", "timestamp": "9999999999", "locked": False}}],
        [{"Event": {"id": "9"}}], [{"Event": None}], [None], [[]], {}, {"Event": {"uuid": OURS}}, {"errors": "x"}, 0,
    ],
)  # fmt: skip
@pytest.mark.parametrize("params", [{}, {"withdraw_whole_event": "true"}])
def test_a_search_that_answers_something_else_changes_nothing_and_is_an_error(other, said, params) -> None:
    instead(other, "/events/restSearch", said)
    assert "not understood" in push(**params)
    assert changes(other) == []


@pytest.mark.parametrize("said", [{"Event": {"uuid": THEIRS, "id": "9"}}, {"Event": []}, [], {"saved": False}])
def test_a_yes_about_another_event_is_none(other, said) -> None:
    instead(other, "/events/add", said)
    assert "not understood" in push()


@pytest.mark.parametrize("said", [{"errors": "not now"}, {"saved": False, "message": "not now"}])
def test_a_no_in_a_good_status_is_said(other, said) -> None:
    push(publish_there="true")
    instead(other, "/events/publish", said)
    instead(other, "/events/unpublish", said)
    instead(other, "/events/delete", said)
    assert "not now" in push(withdraw_whole_event="true", on_withdraw="delete")


def test_a_number_that_is_none_stands_in_no_address(other) -> None:
    instead(other, "/events/add", {"Event": {"uuid": OURS, "id": "../../x\x1b]0;P\x07"}})
    said = push()
    assert "was added" in said
    assert "/events/view/" not in said
