"""Cases in a real FlowIntel, where an environment variable names one."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from cases_kit import ask, attribute, detail, event, life, told

FILE = {"name": "file", "meta-category": "file", "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215"}


class Real:
    def __init__(self, url: str, key: str) -> None:
        self.params = {"server_url": url, "api_key": key}

    def ask(self, path: str, content: Any = None) -> Any:
        headers = {"X-API-KEY": self.params["api_key"], "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.params['server_url']}/api/case{path}", body, headers), timeout=60
        ) as found:
            return json.load(found)

    def cases(self, uuid: str) -> list[dict[str, Any]]:
        """What it calls all cases are the open ones."""
        found = {one["id"]: one for path in ("/all", "/completed") for one in self.ask(path)["cases"]}
        return [one for one in found.values() if one["ticket_id"] == f"urn:uuid:{uuid}"]


@pytest.fixture
def real(flowintel: tuple[str, str]) -> Real:
    return Real(*flowintel)


def test_an_event_has_one_case_all_its_life(real: Real) -> None:
    heard = life("flowintel_case", **real.params, on_withdraw="close")
    (case,) = real.cases(event()["Event"]["uuid"])
    name = f"FlowIntel case {case['id']}"
    assert [line.partition(" (MISP")[0].rstrip(".") for line in heard] == told(name)
    assert case["title"].endswith("phishing wave, corrected (2f0ac10d)") and case["status_id"] == 2
    note = real.ask(f"/{case['id']}/get_note")["note"]
    parts = [part.partition(" since")[0] for part in note.strip().split("\n\n")]
    assert [part for part in parts if not part.startswith("- ")] == [
        "Changed in MISP",
        "Changed in MISP",
        "The event is not published in MISP any more.",
        "MISP shares the event again. Changed in MISP",
    ]


def test_objects_of_the_event_are_objects_of_the_case(real: Real) -> None:
    uuid = "2f0ac101-0000-4000-8000-0000000000a1"
    inner = attribute(2, "a.exe", "filename", object_relation="filename")
    thing = {**FILE, "uuid": "10000000-0000-4000-8000-0000000000a1", "template_version": "24", "Attribute": [inner]}
    said = detail(ask("flowintel_case", event(attribute(1), uuid=uuid, Object=[thing]), **real.params))
    (case,) = real.cases(uuid)
    assert said == f"FlowIntel case {case['id']} was created."
    (made,) = real.ask(f"/{case['id']}/get_case_misp_object")["misp-object"]
    assert [one["value"] for one in made["attributes"]] == ["a.exe"]
    assert "domain: n1" in case["description"]


def test_one_that_it_made_although_it_failed_is_found(real: Real) -> None:
    """It answers 500 to an event that PyMISP does not read, and has made the case."""
    uuid = "2f0ac102-0000-4000-8000-0000000000a2"
    bad = {**FILE, "uuid": "10000000-0000-4000-8000-0000000000a2", "Attribute": [attribute(2, "x", "no-such-type")]}
    data = event(attribute(1), uuid=uuid, Object=[bad])
    assert ask("flowintel_case", data, **real.params)["data"]["status"] == "queued"
    said = detail(ask("flowintel_case", data, **real.params))
    (case,) = real.cases(uuid)
    assert said == f"FlowIntel case {case['id']} was created by a try before this one."


def test_a_completed_case_is_found_and_a_wrong_key_is_told(real: Real, monkeypatch, tmp_path) -> None:
    uuid = "2f0ac103-0000-4000-8000-0000000000a3"
    ask("flowintel_case", event(attribute(1), uuid=uuid), **real.params)
    (case,) = real.cases(uuid)
    real.ask(f"/{case['id']}/complete")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))
    ask("flowintel_case", event(attribute(1), uuid=uuid), **real.params)
    assert len(real.cases(uuid)) == 1
    said = ask("flowintel_case", event(attribute(1), uuid=uuid, info="new"), **{**real.params, "api_key": "wrong" * 8})
    assert "You don't have the permission" in said["error"]
