"""Routes: who gets what, by what an event says; each destination by its own clearance, and told of by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.action.routing import reasons_against
from misp_workflow.cli import main
from misp_workflow.errors import SettingsError
from misp_workflow.event import View
from misp_workflow.settings.reader import read
from misp_workflow.settings.routes import Route
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
HTTP, GATE = (ActionFile.load(ACTIONS / f"{name}.py") for name in ("http_request", "publish_gate"))
UUID = "6e3701a8-d864-4f99-9b37-257af3627fe0"
EVENT: dict[str, Any] = {
    "Event": {
        "id": "7",
        "uuid": "8b9e3c1e-6f0f-4d3a-9d59-2f4b6a1c7e10",
        "info": "Phishing",
        "threat_level_id": "1",
        "distribution": "4",
        "sharing_group_id": "3",
        "SharingGroup": {"uuid": "1f4b6a1c-0000-4000-8000-000000000003", "name": "Partners"},
        "Orgc": {"name": "CIRCL", "uuid": UUID},
        "Tag": [{"name": "tlp:green"}],
        "Attribute": [
            {"type": "domain", "value": "login.example.org", "Tag": [{"name": "phase:1"}]},
            {"type": "ip-dst", "value": "198.51.100.7", "Tag": []},
        ],
    }
}
MONDAY_NOON = datetime.fromisoformat("2026-11-30T12:00:00+00:00")


def written(tmp_path: Path, text: str) -> Any:
    return read(text, tmp_path / "settings.toml", tmp_path)


def lines(tmp_path: Path, conditions: str) -> Route:
    [line] = written(tmp_path, f'[destinations.soc]\n[[routes]]\nname = "r"\nto = ["soc"]\n{conditions}').route("r")
    return line


@pytest.mark.parametrize(
    ("condition", "why_not"),
    [
        ("", ""),
        ('tlp = ["clear", "green"]', ""),
        ('tlp = ["red", "unmarked"]', "its TLP is green"),
        ('tags = ["phase:*"]', ""),
        ('tags = ["PHASE:2"]', "no tag matches PHASE:2"),
        ('tags = ["TLP GREEN"]', ""),
        ('tags = ["tlp:amber"]', "no tag matches tlp:amber"),
        ('organisations = ["circl"]', ""),
        (f'organisations = ["{UUID}"]', ""),
        ('organisations = ["CIR*"]', ""),
        ('organisations = ["Somebody"]', "its creator is CIRCL"),
        ('sharing_groups = ["3"]', ""),
        ('sharing_groups = ["1F4B6A1C-0000-4000-8000-000000000003"]', ""),
        ('sharing_groups = ["Partners"]', "it is not for such a sharing group"),
        ('types = ["sha256", "domain"]', ""),
        ('types = ["sha256", "DOM*"]', ""),
        ('types = ["sha256"]', "no attribute is of type sha256"),
        (
            'types = ["ip-scr", "sha256"]',
            "no attribute is of type ip-scr, sha256; “ip-scr” is no attribute type that the PyMISP installed here knows; "
            "the nearest name is “ip-src”",
        ),
        ('domains = ["example.org"]', ""),
        ('domains = ["example.net"]', "nothing in it is on the watch list"),
        ('networks = ["198.51.100.0/24"]', ""),
        ('networks = ["203.0.113.0/24"]', "nothing in it is on the watch list"),
        ('threat_levels = ["high"]', ""),
        ('threat_levels = ["low"]', "its threat level is high"),
        ('days = ["Mon-Fri"]\ntimezone = "UTC"', ""),
        ('days = ["Sat-Sun"]\ntimezone = "UTC"', "it is Monday"),
        ('hours = "08:00-18:00"\ntimezone = "UTC"', ""),
        ('hours = "18:00-08:00"\ntimezone = "UTC"', "it is 12:00"),
        ('hours = "18:00-22:00"\ntimezone = "Asia/Tokyo"', ""),
        ('days = ["Mon"]\nhours = "20:00-06:00"\ntimezone = "Pacific/Auckland"', ""),  # it is Tuesday there already
        ('days = ["Tue"]\nhours = "20:00-06:00"\ntimezone = "Pacific/Auckland"', "it is the night of Monday"),
    ],
)
def test_each_condition(tmp_path: Path, condition: str, why_not: str) -> None:
    assert "; ".join(reasons_against(lines(tmp_path, condition), View(EVENT), MONDAY_NOON)) == why_not


@pytest.mark.parametrize("part", ["EventReport", "Object", "ShadowAttribute"])
def test_a_route_looks_at_the_marking_of_whatever_is_in_the_event(tmp_path: Path, part: str) -> None:
    line = lines(tmp_path, 'tlp = ["clear", "green"]')
    event = {**EVENT["Event"], part: [{"uuid": UUID, "name": "any", "Tag": [{"name": "tlp:amber"}]}]}
    assert [*reasons_against(line, View({"Event": event}), MONDAY_NOON)] == ["its TLP is amber"]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ('tlp = ["purple"]', "is no level of TLP"),
        ('tags = ["tlp:.*"]', "is a regular expression"),
        ('types = ["^domain$"]', "is a regular expression"),
        ('hours = "8 to 6"', "must be hours"),
        ('days = ["someday"]', "is no day"),
        ('timezone = "Mars/Olympus"', "no time zone"),
        ('networks = ["here"]', "is no network"),
        ('threat_level = ["high"]', "threat_levels"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, condition: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        lines(tmp_path, condition)


def test_a_route_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no destination of this file"):
        written(tmp_path, '[[routes]]\nname = "r"\nto = ["soc"]')


@pytest.fixture
def routed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Callable[[str], None]:
    """Put settings in force."""
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))

    def put(text: str) -> None:
        rules(f'answer_within = "60 s"\n{text}')  # a busy machine is not what is tried here

    return put


def places(receiver: Receiver, **tlp: str) -> str:
    return "".join(
        f'[destinations.{name}]\ntlp = "{level}"\n[destinations.{name}.parameters]\nurl = "{receiver.url}/{name}"\n'
        for name, level in tlp.items()
    )


def ask(action: ActionFile = HTTP, **params: str) -> dict[str, Any]:
    return action.ask(json.dumps({"module": action.name, "data": EVENT, "params": params}).encode())


ROUTES = (
    '[[routes]]\nname = "all"\nto = ["one", "two"]\n[[routes]]\nname = "all"\nto = ["two", "three"]\ntlp = ["red"]\n'
)


def test_every_place_that_is_chosen_is_told_once(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="amber", two="amber", three="amber") + ROUTES)
    said = ask(destination="route:all", body="{{ event.info }}")
    assert said["data"]["status"] == "delivered", said
    assert "one: " in said["data"]["detail"] and "two: " in said["data"]["detail"]
    assert sorted(one.path for one in receiver.wait_for(2)) == ["/one", "/two"]


def test_each_place_keeps_its_own_clearance(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="clear", two="amber", three="amber") + ROUTES)
    said = ask(destination="route:all", body="{{ event.info }}")
    assert "TLP:GREEN" in said["error"] and "one: " in said["error"]
    assert [one.path for one in receiver.wait_for(1)] == ["/two"], "one that may not have it is no reason for the other"


def test_one_that_refuses_is_named(routed: Callable[[str], None], receiver: Receiver) -> None:
    receiver.always(lambda request: answer({"no": 1}, 403) if request.path == "/one" else answer({"ok": 1}))
    routed(places(receiver, one="amber", two="amber", three="amber") + ROUTES)
    said = ask(destination="route:all", body="{}")
    assert "one: " in said["error"] and "403" in said["error"]
    assert len(receiver.wait_for(2)) == 2


def test_a_route_that_leads_nowhere_says_why(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="amber") + '[[routes]]\nname = "r"\nto = ["one"]\ntlp = ["red"]')
    said = ask(destination="route:r", body="{}")
    assert said["data"]["status"] == "skipped" and "its TLP is green" in said["data"]["detail"]
    assert receiver.requests == []


def test_an_events_text_in_the_reason_stays_text(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="amber") + '[[routes]]\nname = "r"\nto = ["one"]\norganisations = ["CIRCL"]')
    event = {"Event": {**EVENT["Event"], "Orgc": {"name": "\x1b[2Jnobody\n"}}}
    said = HTTP.ask(
        json.dumps({"module": "http_request", "data": event, "params": {"destination": "route:r"}}).encode()
    )
    assert "nobody" in said["data"]["detail"]
    assert "\x1b" not in said["data"]["detail"] and "\n" not in said["data"]["detail"]


def test_a_route_that_nobody_knows_is_an_error(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="amber") + '[[routes]]\nname = "security"\nto = ["one"]')
    assert "security" in ask(destination="route:securty", body="{}")["error"]


def test_a_gate_goes_nowhere(routed: Callable[[str], None], receiver: Receiver) -> None:
    routed(places(receiver, one="amber") + '[[routes]]\nname = "r"\nto = ["one"]')
    assert "sends nothing" in ask(GATE, destination="route:r", required_tags="tlp:*")["error"]


def test_the_command_shows_who_and_why(routed: Callable[[str], None], receiver: Receiver, tmp_path: Path) -> None:
    routed(places(receiver, one="amber", two="amber", three="amber") + ROUTES)
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    told = CliRunner().invoke(main, ["route", str(tmp_path / "event.json"), "all", "--json"])
    assert told.exit_code == 0
    assert json.loads(told.output) == [
        {"route": "all", "to": ["one", "two"], "why_not": []},
        {"route": "all", "to": ["two", "three"], "why_not": ["its TLP is green"]},
    ]
    table = CliRunner().invoke(main, ["route", str(tmp_path / "event.json")], env={"COLUMNS": "120"}).output
    assert "its TLP is green" in table


def test_stop_ends_the_search(tmp_path: Path) -> None:
    from misp_workflow.action.routing import chosen, destinations

    text = '[destinations.a]\n[destinations.b]\n[[routes]]\nname = "r"\nto = ["a"]\nstop = true\n[[routes]]\nname = "r"\nto = ["b"]'
    assert destinations(chosen(written(tmp_path, text).route("r"), View(EVENT), MONDAY_NOON)) == ["a"]
