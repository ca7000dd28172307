"""Redmine issues, on a real Redmine where one is installed."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from cases_kit import ask, attribute, event, life, told

pytestmark = pytest.mark.waits

HOSTILE = '@admin #1 *b* _i_ [[Wiki]] <b> &amp; `c` !x! "x":http://evil.example r1 user:admin {{toc}}\nh1. x'


class Redmine:
    def __init__(self, url: str, key: str, project: str) -> None:
        self.url, self._key = url, key
        self.params = {"server_url": url, "api_key": key, "project": project, "priorities": "3,2,1"}
        made = {"name": project, "identifier": project, "enabled_module_names": ["issue_tracking"]}
        self.ask("/projects.json", {"project": made})

    def ask(self, path: str, body: Any = None) -> Any:
        return json.loads(self.get(path, body))

    def get(self, path: str, body: Any = None) -> bytes:
        headers = {"X-Redmine-API-Key": self._key, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, content, headers), timeout=60) as found:
            return found.read()

    def issues(self) -> list[dict[str, Any]]:
        found = self.ask(f"/issues.json?status_id=*&project_id={self.params['project']}")["issues"]
        return [self.ask(f"/issues/{one['id']}.json?include=journals")["issue"] for one in found]


def test_an_event_has_one_issue_all_its_life(redmine: tuple[str, str]) -> None:
    there = Redmine(*redmine, "life")
    heard = life("redmine_issue", **there.params, on_withdraw="close")
    (issue,) = there.issues()
    assert [line.partition(" (MISP")[0].rstrip(".") for line in heard] == told(f"Redmine issue {issue['id']}")
    assert (issue["subject"], issue["status"]["id"]) == ("Event 7: phishing wave, corrected", 2)
    assert issue["priority"]["id"] == 3
    happened = [
        one["notes"].partition(" since")[0] or [change["name"] for change in one["details"]]
        for one in issue["journals"]
    ]
    assert happened == [
        ["subject"],
        "Changed in MISP",
        "Changed in MISP",
        "The event is not published in MISP any more.",
        ["status_id"],
        ["status_id"],
        ["description"],
        "MISP shares the event again. Changed in MISP",
    ]


def test_what_redmine_makes_of_event_text_is_text(redmine: tuple[str, str]) -> None:
    there = Redmine(*redmine, "text")
    ask("redmine_issue", event(attribute(1, kind="comment", value=HOSTILE), info="x"), **there.params)
    (issue,) = there.issues()
    page = there.get(f"/issues/{issue['id']}").decode()
    shown = page.partition('<div class="wiki">')[2].partition("</div>")[0]
    assert "comment: " in shown
    assert [mark for mark in ("<a ", "<img", "<h1", "<em", "<code", "<strong>b", "<b>") if mark in shown] == []


@pytest.mark.parametrize(("params", "error"), [({"api_key": "wrong"}, "401"), ({"project": "none"}, "404")])
def test_what_redmine_says_no_to_is_an_error(redmine: tuple[str, str], params: dict[str, str], error: str) -> None:
    there = Redmine(*redmine, f"no-{error}")
    said = ask("redmine_issue", event(), **{**there.params, **params})
    assert error in said["error"], said
