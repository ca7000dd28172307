"""Only a true repetition is skipped: different things with the same text are all told."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.action.about import REPEATED_WITHIN, Occasions, about
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.event import View
from misp_workflow.settings import Misp, Settings
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile

SLACK = Path(__file__).parents[2] / "misp_modules/modules/action_mod/slack_message.py"


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with Receiver() as found:
        found.always(lambda _: answer("ok"))
        yield found


def tell(chat: Receiver, data: Any) -> str:
    params = {"webhook_url": f"{chat.url}/x", "message": "Somebody failed to log in"}
    body = {"module": "slack_message", "params": params, "data": data}
    return ActionFile.load(SLACK).ask(json.dumps(body).encode())["data"]["status"]


Change = Callable[[Any], Any]
NEWS: list[tuple[str, Change]] = [
    ("log-after-save", lambda data: data["Log"].update(id="102", created="2026-11-21 20:23:28")),
    ("log-after-save", lambda data: data["Log"].update(id="102")),
    ("user-after-save", lambda data: data.update(id="9999")),
    ("user-after-save", lambda data: data.update(disabled=True)),
    ("attribute-after-save", lambda data: data["Event"]["Attribute"][0].update(uuid="another", id="9")),
    ("attribute-after-save", lambda data: data["Event"]["Attribute"][0].update(timestamp="1795292999")),
    ("attribute-after-save", lambda data: data["Event"]["Attribute"][0].update(deleted=True)),
    ("sighting-after-save", lambda data: data["Event"]["Attribute"][0].update(Sighting=[{"id": "1"}, {"id": "2"}])),
    ("tag-attached-after-save", lambda data: data["Event"]["Attribute"][0]["Tag"].append({"name": "x"})),
    ("event-report-after-save", lambda data: data["Event"]["EventReport"][0].update(id="99")),
    ("shadow-attribute-after-save", lambda data: data["Event"]["ShadowAttribute"][0].update(id="99")),
    ("event-publish", lambda data: data["Event"].update(timestamp="1795292999")),
    ("event-after-save", lambda data: data["Event"].update(uuid="another")),
    ("object-after-save", lambda data: None),
    ("enrichment-before-query", lambda data: None),
]


@pytest.mark.parametrize(("trigger", "change"), NEWS)
def test_another_thing_with_the_same_text_is_news(trigger: str, change: Change, captures: dict[str, Any]) -> None:
    first = captures[trigger]["data"]
    second = copy.deepcopy(first)
    change(second)
    assert about(View(first)) != about(View(second))


@pytest.mark.parametrize("trigger", ["log-after-save", "user-after-save", "attribute-after-save", "event-publish"])
def test_the_same_again_is_none(trigger: str, captures: dict[str, Any]) -> None:
    data = captures[trigger]["data"]
    assert about(View(data)) == about(View(json.loads(json.dumps(data))))


def test_two_log_entries_are_told_and_a_repetition_is_not(chat: Receiver, captures: dict[str, Any]) -> None:
    entry = captures["log-after-save"]["data"]
    again = {"Log": {**entry["Log"], "id": "9999"}}
    assert [tell(chat, entry), tell(chat, again), tell(chat, entry)] == ["delivered", "delivered", "skipped"]
    assert len(chat.requests) == 2


def test_numbers_and_letters_that_json_hardly_knows() -> None:
    assert about(View({"Log": {"id": 2**80, "title": "\ud800"}}))


def test_an_event_that_is_not_saved_yet_has_no_link() -> None:
    place = Settings(misp=Misp(url="https://misp.example.org"))
    event = {"uuid": "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c", "info": "x"}
    assert Call(Params(), {"Event": event}, None, place, "").link == ""
    assert Call(Params(), {"Event": {**event, "id": "1"}}, None, place, "").link.endswith(event["uuid"])


def test_another_attribute_in_a_body_written_by_hand_is_news() -> None:
    event = {
        "id": "1",
        "uuid": "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c",
        "info": "x",
        "Attribute": [{"id": "1", "value": "a"}],
    }
    other = {**event, "Attribute": [{"id": "2", "value": "b"}]}
    assert about(View({"Event": event})) != about(View({"Event": other}))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("trigger", ["sighting-after-save", "tag-attached-after-save", "event-after-save"])
def test_what_does_not_say_what_happened_is_news_unless_it_comes_at_once(
    trigger: str, captures: dict[str, Any]
) -> None:
    clock = Clock()
    heard, view = Occasions(clock), View(captures[trigger]["data"])
    first = heard.of(view)
    clock.now += REPEATED_WITHIN
    assert first
    assert heard.of(view) == first
    other = copy.deepcopy(captures[trigger]["data"])
    other["Event"]["sighting_timestamp"] = "1795292999"
    assert heard.of(View(other)) != first
    clock.now += 0.1
    assert heard.of(view) not in ("", first)


SAYING = ["attribute-after-save", "event-publish", "log-after-save", "post-after-save", "event-report-after-save"]


@pytest.mark.parametrize("trigger", SAYING)
def test_what_says_what_happened_needs_no_clock(trigger: str, captures: dict[str, Any]) -> None:
    assert Occasions().of(View(captures[trigger]["data"])) == ""


def test_what_was_heard_is_forgotten(captures: dict[str, Any]) -> None:
    clock, data = Clock(), copy.deepcopy(captures["sighting-after-save"]["data"])
    heard = Occasions(clock)
    for number in range(100):
        data["Event"]["Attribute"][0]["id"] = str(number)
        clock.now += 1
        heard.of(View(data))
    assert len(heard._known) <= REPEATED_WITHIN + 1


def test_a_second_sighting_is_told_and_two_branches_to_one_node_are_not(
    chat: Receiver, captures: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, clock = captures["sighting-after-save"]["data"], Clock()
    monkeypatch.setattr(sys.modules["misp_workflow.action.expose"], "OCCASIONS", Occasions(clock))
    assert [tell(chat, seen), tell(chat, seen)] == ["delivered", "skipped"]
    clock.now += 60
    assert tell(chat, seen) == "delivered"
    assert len(chat.requests) == 2
