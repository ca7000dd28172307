"""What an event correlates with: told once, to whom the other event's own marking lets it be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow import delivery
from misp_workflow.delivery import marking
from misp_workflow.delivery.ledger import close
from misp_workflow.delivery.trial import trial
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import KEY, MispStandIn

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def misp() -> Iterator[MispStandIn]:
    with MispStandIn() as standin:
        yield standin


@pytest.fixture(autouse=True)
def _settings(misp: MispStandIn, monkeypatch: pytest.MonkeyPatch, rules) -> None:
    rules(f'[misp]\nurl = "{misp.url}"\nkey = "{KEY}"\n[destinations.closed]\nunmarked_there = "red"\n')
    monkeypatch.setattr(marking, "_silent", {})


def added(misp: MispStandIn, info: str, *values: str, tlp: str = "green") -> dict[str, Any]:
    rows = [{"type": "domain", "value": value, "to_ids": True, "Tag": []} for value in values]
    tags = [{"name": f"tlp:{tlp}"}] if tlp else []
    return misp.add_event({"info": info, "Tag": tags, "Attribute": rows, "distribution": "3"})


def published(misp: MispStandIn, event: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """Return what MISP hands over on event-publish: it names the other events, and not their tags."""
    names = ("id", "uuid", "info", "date", "threat_level_id", "analysis", "distribution", "Orgc")
    related = [{"Event": {name: other[name] for name in names if name in other}} for other in others]
    return {"Event": {**misp.trigger_data("event-publish", event["uuid"])["Event"], "RelatedEvent": related}}


@pytest.fixture
def tell(receiver: Receiver) -> Tell:
    receiver.always(answer("ok"))
    action = ActionFile.load(ACTIONS / "mattermost_message.py")

    def go(data: Any, **params: str) -> dict[str, Any]:
        given = {"webhook_url": f"{receiver.url}/hook", "about": "correlations", **params}
        return action.ask(json.dumps({"module": action.name, "data": data, "params": given}).encode())

    return go


def texts(receiver: Receiver) -> list[str]:
    return [request.json()["text"].replace("\\", "") for request in receiver.requests]


def test_each_correlation_is_told_once(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    first = added(misp, "First campaign", "a.example", "b.example", tlp="amber")
    ours = added(misp, "Ours", "a.example", "b.example", "c.example")
    assert tell(published(misp, ours, first))["data"]["status"] == "delivered"
    title, _, tlp, line, *_ = texts(receiver)[0].splitlines()
    assert title == f"**Event {ours['id']}: Ours: correlates with 1 event**"
    assert tlp == "- **TLP:** AMBER", "the strictest of all that it speaks of"
    assert line.startswith(f"- **Event {first['id']}:** First campaign (ORGNAME, ")
    assert line.endswith("TLP:AMBER): domain a[.]example; domain b[.]example")
    said = tell(published(misp, ours, first))["data"]
    assert (said["status"], said["detail"]) == ("skipped", "No correlation that was not told before.")
    second = added(misp, "Second campaign", "c.example")
    tell(published(misp, ours, first, second))
    assert "Second campaign" in texts(receiver)[1] and "First campaign" not in texts(receiver)[1]
    delivery.stop()
    close()
    assert tell(published(misp, ours, first, second))["data"]["status"] == "skipped"


def test_a_further_match_in_a_known_event_is_news(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    other, ours = added(misp, "Other", "a.example"), added(misp, "Ours", "a.example", "b.example")
    tell(published(misp, ours, other))
    row = {**next(iter(misp.attributes.values())), "uuid": "00000000-0000-4000-8000-000000000001", "value": "b.example"}
    misp.attributes[row["uuid"]] = row  # in the other event, too
    tell(published(misp, ours, other))
    assert "domain b[.]example" in texts(receiver)[1] and "a[.]example" not in texts(receiver)[1]
    assert tell(published(misp, ours, other))["data"]["status"] == "skipped"


def test_another_event_is_judged_by_its_own_marking(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    red = added(misp, "Secret operation", "a.example", tlp="red")
    green = added(misp, "Known to all", "a.example")
    ours = added(misp, "Ours", "a.example")
    tell(published(misp, ours, red, green))
    (text,) = texts(receiver)
    assert "Known to all" in text and "1 correlation withheld: TLP:RED" in text
    assert "Secret operation" not in text and f"Event {red['id']}" not in text
    misp.events[red["id"]]["_tags"].clear()
    said = tell(published(misp, ours, red, green))
    assert said["data"]["status"] == "delivered", "what was withheld is news once it may be told"
    assert "Secret operation" in texts(receiver)[1]


def test_what_nobody_can_ask_counts_as_unmarked(
    misp: MispStandIn, tell: Tell, receiver: Receiver, tmp_path: Path
) -> None:
    other = added(misp, "Other", "a.example", tlp="red")
    ours = added(misp, "Ours", "a.example")
    data = published(misp, ours, other)
    places = {"closed": 'unmarked_there = "red"', "open": 'unmarked_there = "amber"', "board": 'tlp = "red"'}
    (tmp_path / "settings.toml").write_text("".join(f"[destinations.{name}]\n{its}\n" for name, its in places.items()))
    said = tell(data, destination="closed")["data"]
    assert said["status"] == "skipped" and said["detail"].endswith("(1 correlation withheld: TLP:RED).")
    tell(data)
    assert f"**Event {other['id']}:** (title withheld: its TLP is not known here) (ORGNAME, " in texts(receiver)[0]
    assert "Other" not in texts(receiver)[0], "MISP names it without its tags"
    assert "**Matching attributes:** not known: the settings name no [misp] to ask" in texts(receiver)[0]
    for place in ("open", "board"):
        tell(data, destination=place)
        assert "Other" in texts(receiver)[-1], "the settings say what it counts as"


def test_a_withheld_attribute_matches_nothing_there(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    other, both = added(misp, "By the secret", "secret.example"), added(misp, "By both", "secret.example", "a.example")
    ours = added(misp, "Ours", "secret.example", "a.example")
    data = published(misp, ours, other, both)
    data["Event"]["Attribute"][0]["Tag"] = [{"name": "tlp:red"}]
    tell(data)
    (text,) = texts(receiver)
    assert "By both" in text and "a[.]example" in text
    assert "By the secret" not in text and "secret" not in text.replace("By the secret", "").replace("withheld", "")
    assert "1 correlation withheld: by a withheld attribute" in text


def test_without_a_whole_event_there_is_nothing_to_say(tell: Tell, captures) -> None:
    for trigger in ("attribute-after-save", "event-after-save", "log-after-save"):
        said = tell(captures[trigger]["data"])["data"]
        assert said["status"] == "skipped" and "whole events only" in said["detail"]


def test_templates_and_trials(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    other = added(misp, "Other <b>", "a.example")
    ours = added(misp, "Ours", "a.example")
    data = published(misp, ours, other)
    with trial():
        assert tell(data)["data"]["status"] == "dry-run"
    assert tell(data, dry_run="true")["data"]["status"] == "dry-run"
    own = "{% for one in correlations %}{{ one.event.info }} by {{ one.attributes|length }}, {{ one.tlp }}{% endfor %}"
    tell(data, message=own)
    assert texts(receiver) == ["Other <b> by 1, green"], "neither a trial nor a dry run remembers"


def test_another_system_gets_them_as_json(misp: MispStandIn, receiver: Receiver) -> None:
    receiver.always(answer("ok"))
    other, ours = added(misp, "Other", "a.example"), added(misp, "Ours", "a.example")
    action = ActionFile.load(ACTIONS / "http_request.py")
    params = {"url": f"{receiver.url}/intake", "about": "correlations"}
    body = {"module": action.name, "data": published(misp, ours, other), "params": params}
    assert action.ask(json.dumps(body).encode())["data"]["status"] == "delivered"
    assert action.ask(json.dumps(body).encode())["data"]["status"] == "skipped"
    (request,) = receiver.requests
    sent = request.json()
    (one,) = sent["correlations"]
    assert sent["event"]["uuid"] == ours["uuid"]
    assert (one["event"]["uuid"], one["event"]["tags"]) == (other["uuid"], ["tlp:green"])
    assert [row["value"] for row in one["attributes"]] == ["a.example"]
    assert one["link"] == f"{misp.url}/events/view/{other['uuid']}"


def test_a_thousand_events_are_counted(misp: MispStandIn, tell: Tell, receiver: Receiver) -> None:
    ours = added(misp, "Ours", "a.example")
    others = [
        {**ours, "id": str(1000 + n), "uuid": f"00000000-0000-4000-8000-{n:012}", "info": f"n{n}"} for n in range(1000)
    ]
    tell(published(misp, ours, *others))
    (text,) = texts(receiver)
    assert "correlates with 1,000 events" in text and "**More:** 985 events" in text and len(text) < 4000
    assert tell(published(misp, ours, *others))["data"]["status"] == "skipped"
