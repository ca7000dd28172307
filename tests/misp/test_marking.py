"""Calls without their marking: MISP is asked for it in time; what stays unknown does not count as open."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.delivery import marking
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

ACTIONS = Path(__file__).parents[2] / "misp_modules" / "modules" / "action_mod"
BODIES = json.loads((Path(__file__).parent / "red_bodies.json").read_text())
"""Recorded requests of a real MISP 2.5.1 whose subject was TLP:RED, by trigger; the tag is number 9 there."""


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with Receiver() as found:
        found.always(lambda _: answer("ok"))
        yield found


@pytest.fixture(autouse=True)
def _no_memory_of_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "_silent", {})


@pytest.fixture
def tell(chat: Receiver) -> Callable[..., dict[str, Any]]:
    """Post about this data to the chat, as a workflow node does; further members are the node's parameters."""
    slack = ActionFile.load(ACTIONS / "slack_message.py")
    number = iter(range(1000))

    def ask(data: Any, **params: str) -> dict[str, Any]:
        given = {"webhook_url": f"{chat.url}/{next(number)}", **params}
        return slack.ask(json.dumps({"module": "slack_message", "params": given, "data": data}).encode())

    return ask


def said(chat: Receiver) -> str:
    return "".join(one.body.decode() for one in chat.requests)


def stored(misp: MispStandIn, level: str) -> dict[str, Any]:
    """An event in MISP, marked, with an attribute that is, too."""
    event = misp.add_event({"info": "operation", "Attribute": [{"type": "domain", "value": "a.example"}]})
    misp._attach(misp._find_event(event["uuid"]), misp._tag_named(level), False)
    misp._attach(misp._find_attribute(event["Attribute"][0]["uuid"]), misp._tag_named(level), False)
    return misp.event(event["uuid"])


def body(trigger: str, misp: MispStandIn, event: dict[str, Any], captures: dict[str, Any]) -> Any:
    """The trigger's data about this event, as MISP sends it: without the marking."""
    number = next(tag["id"] for tag in event["Tag"])
    attribute = event["Attribute"][0]
    if trigger == "attribute-after-save":
        data = copy.deepcopy(BODIES[trigger])
        for rows in (data["Event"]["Attribute"], data["Event"]["_AttributeFlattened"]):
            rows[0] |= {"uuid": attribute["uuid"], "id": attribute["id"]}
        return data
    if trigger == "event-before-save":
        data = copy.deepcopy(BODIES[trigger])
        data["Event"]["EventTag"][0]["tag_id"] = int(number)
        return data
    if trigger == "event-after-save":
        data = copy.deepcopy(BODIES[trigger])
        data["Event"] |= {"uuid": event["uuid"], "id": event["id"]}
        return data
    if trigger == "post-after-save":
        data = copy.deepcopy(captures[trigger]["data"])
        data["Event"] |= {"uuid": event["uuid"], "id": event["id"]}
        return data
    model, row = ("Event", event) if trigger == "log of the event" else ("Attribute", attribute)
    return {"Log": {"model": model, "model_id": row["id"], "action": "edit", "title": f"{model}: RED", "id": "1"}}


NEVER = ("event-before-save", "post-after-save", "log of the event", "log of the attribute")
TRIGGERS = ("attribute-after-save", "event-after-save", *NEVER)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_misp_says_on_being_asked_counts(
    trigger: str, standin: MispStandIn, use: Any, tell: Any, chat: Receiver, captures: dict[str, Any]
) -> None:
    use(standin)
    red = tell(body(trigger, standin, stored(standin, "tlp:red"), captures))
    if trigger == "attribute-after-save":  # its event is green
        assert "only a withheld attribute was touched" in said(chat) and "redattr" not in said(chat)
    else:
        assert "TLP:RED" in red["error"]
        assert not chat.requests
    before = len(chat.requests)
    green = tell(body(trigger, standin, stored(standin, "tlp:green"), captures))
    assert green["data"]["status"] == "delivered", green
    assert "MISP" not in green["data"]["detail"], "nothing had to be assumed"
    assert len(chat.requests) == before + 1


def test_an_attribute_that_turns_out_to_be_red_is_withheld(
    standin: MispStandIn, use: Any, tell: Any, chat: Receiver, captures: dict[str, Any]
) -> None:
    use(standin)
    data = body("attribute-after-save", standin, stored(standin, "tlp:red"), captures)
    tell(data, message="{{ event.info }} {% for a in attributes %}{{ a.value }}{% endfor %}")
    assert "redattr" not in said(chat)


@pytest.mark.parametrize("trigger", NEVER)
@pytest.mark.parametrize("way", ["no [misp]", "silent", "unknown to it"])
def test_what_stays_unknown_goes_nowhere_below_red(
    trigger: str, way: str, standin: MispStandIn, use: Any, tell: Any, chat: Receiver, captures: dict[str, Any]
) -> None:
    data = body(trigger, standin, stored(standin, "tlp:green"), captures)
    with MispStandIn() as other:
        if way != "no [misp]":
            use(other, 'answer_within = 1.0\n[destinations.board]\ntlp = "red"')
    if way == "unknown to it":
        with MispStandIn() as empty:
            use(empty)
            refused = tell(data)
    else:
        refused = tell(data)
    assert "counts as TLP:RED (unmarked_there)" in refused["error"]
    assert not chat.requests


def test_the_operator_can_say_what_it_counts_as(
    use: Any, tell: Any, chat: Receiver, captures: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[defaults]\nunmarked_there = "amber"\n[destinations.open]\ntlp = "green"\n')
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
    post = captures["post-after-save"]["data"]
    told = tell(post)
    assert told["data"]["status"] == "delivered"
    assert "it counts as TLP:AMBER (unmarked_there)" in told["data"]["detail"]
    for data in (post, BODIES["attribute-after-save"], BODIES["event-after-save"]):
        assert "counts as TLP:AMBER" in tell(data, destination="open")["error"]
    assert len(chat.requests) == 1


@pytest.mark.parametrize("trigger", ["attribute-after-save", "event-after-save"])
def test_without_a_misp_what_was_sent_is_judged_and_the_answer_says_so(trigger: str, tell: Any) -> None:
    told = tell(BODIES[trigger])
    assert told["data"]["status"] == "delivered"
    assert "MISP does not send how" in told["data"]["detail"]


def test_log_entries_about_the_house_itself_are_nobodys_event(tell: Any, captures: dict[str, Any]) -> None:
    assert tell(captures["log-after-save"]["data"])["data"] == {
        "status": "delivered",
        "detail": "Slack answered 200 OK.",
    }


def test_a_silent_misp_costs_one_wait_only(use: Any, tell: Any, chat: Receiver) -> None:
    with Receiver() as silent:
        silent.always(lambda _: time.sleep(4))
        silent.key = "a" * 40
        use(silent, "answer_within = 6")
        for _ in range(3):
            assert tell(BODIES["event-after-save"])["data"]["status"] == "delivered"
        assert len(silent.requests) == 1


UNTOLD = ("attribute-after-save", "event-report-after-save", "shadow-attribute-after-save", "sighting-after-save")


@pytest.mark.parametrize("trigger", [*UNTOLD, "tag-attached-after-save"])
def test_a_local_tag_of_which_misp_does_not_say_so_goes_nowhere(
    trigger: str, standin: MispStandIn, use: Any, tell: Any, chat: Receiver, captures: dict[str, Any]
) -> None:
    use(standin, "[destinations.house]\nlocal_tags = true")
    event = standin.add_event({"info": "operation", "Attribute": [{"type": "domain", "value": "a.example"}]})
    for name, local in (("tlp:green", False), ("acme:case-42", True)):
        standin._attach(standin._find_event(event["uuid"]), standin._tag_named(name), local)
    data = copy.deepcopy(captures[trigger]["data"])
    tags = [{"id": tag["id"], "name": tag["name"], "exportable": True} for tag in standin.event(event["uuid"])["Tag"]]
    data["Event"] |= {"uuid": event["uuid"], "id": event["id"], "Tag": tags}
    for row in data["Event"].get("Attribute", []):
        row["Tag"] = []  # said, and none
    shown = {"message": "tags: {% for t in event.Tag %}{{ t.name }} {% endfor %}", "about": "event"}
    tell(data, **shown)
    assert "tags: tlp:green" in said(chat) and "acme" not in said(chat)
    tell(data, **shown, destination="house")
    assert "acme" in said(chat)


def test_an_action_that_asks_by_pap_is_told_the_marking_where_the_destination_takes_all(
    misp: MispStandIn, use: Callable[..., None], chat: Receiver
) -> None:
    use(misp, '[destinations.board]\ntlp = "red"\n')
    event = misp.add_event({"info": "x", "Attribute": [{"type": "md5", "value": "8ed4b4ed952526d89899e723f3488de4"}]})
    row = event["Attribute"][0]
    misp._attach(misp._find_attribute(row["uuid"]), misp._tag_named("PAP:RED"), False)
    data = copy.deepcopy(BODIES["attribute-after-save"])
    for rows in (data["Event"]["Attribute"], data["Event"]["_AttributeFlattened"]):
        rows[0] |= {name: row[name] for name in ("uuid", "id", "type", "value")}
    params = {"hashlookup_server": chat.url, "destination": "board", "selected_or_all": "all"}
    lookup = ActionFile.load(ACTIONS / "hashlookup_check.py")
    given = lookup.ask(json.dumps({"module": "hashlookup_check", "params": params, "data": data}).encode())
    assert given["data"] == {"status": "skipped", "detail": "PAP lets no hash of this be asked about"}
    assert not chat.requests
