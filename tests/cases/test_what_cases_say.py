"""What a case says of itself: how far it may go, where a tracker has a field for it; its title, its further fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases_kit import ask, attribute, detail, event
from trackers import Iris, TheHive, Tracker

from misp_workflow.testing import Receiver


def keep(action: str, tracker: Tracker, data: dict[str, Any], **params: str) -> dict[str, Any]:
    return ask(action, data, server_url=tracker.url, **tracker.params, **params)


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let everything go everywhere."""
    file = tmp_path / "settings.toml"
    file.write_text('[defaults]\ntlp = "red"\n')
    file.chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))


@pytest.mark.parametrize(
    ("tag", "level"), [("tlp:clear", 0), ("tlp:amber", 2), ("tlp:amber+strict", 3), ("tlp:red", 4)]
)
@pytest.mark.parametrize("own", [{}, {"body": "{{ event.info }}"}])
def test_thehive_follows_a_marking_that_changes(receiver: Receiver, cleared: None, tag, level, own) -> None:
    tracker = TheHive(receiver)
    keep("thehive_alert", tracker, event(attribute(1)), **own)
    assert tracker.cases["~1"]["tlp"] == 1
    later = event(attribute(1), attribute(2), Tag=[{"name": tag}])
    assert "was updated" in detail(keep("thehive_alert", tracker, later, **own))
    assert tracker.cases["~1"]["tlp"] == level
    [added] = [one.json() for one in receiver.requests if one.path.endswith("/observable")]
    assert added["data"] == "n2.example" and added["tlp"] == level


@pytest.mark.parametrize(
    ("tag", "number"), [("tlp:clear", 4), ("tlp:green", 3), ("other", 2), ("tlp:amber+strict", 5), ("tlp:red", 1)]
)
def test_iocs_of_iris_are_marked_as_the_event_is(receiver: Receiver, cleared: None, tag, number) -> None:
    data = event(attribute(1), Tag=[{"name": tag}])
    keep("iris_alert", Iris(receiver), data, ioc_types="domain: 20")
    [ioc] = receiver.requests[1].json()["alert_iocs"]
    assert (ioc["ioc_value"], ioc["ioc_tlp_id"]) == ("n1.example", number)


@pytest.mark.parametrize("title", ["{{ '' }}", "{% if not event.published %}x{% endif %}", " \n {{ ' ' }}"])
def test_a_title_that_comes_out_empty_is_the_usual_one(receiver: Receiver, title: str) -> None:
    tracker = TheHive(receiver)
    keep("thehive_alert", tracker, event(attribute(1)), title=title)
    assert tracker.cases["~1"]["title"] == "Event 7: phishing wave"


def test_a_field_that_is_named_twice_is_said(receiver: Receiver) -> None:
    said = keep(
        "thehive_alert", TheHive(receiver), event(attribute(1)), custom_fields="site: one\nother: x\n site : two"
    )
    assert "Parameter 'custom_fields' names “site” twice." in said["error"]
