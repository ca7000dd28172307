"""RT tickets: on a real RT 5 where one is installed."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from cases_kit import EVENT, ask, attribute, bare, detail, event, life, told

from misp_workflow import settings
from misp_workflow.delivery import ledger

pytestmark = pytest.mark.waits


class Rt:
    """What is in a real RT. Each has a queue of its own, so that the tests know nothing of each other."""

    def __init__(self, url: str, queue: str) -> None:
        self.url, self.queue = url, queue
        self.params = {"server_url": url, "username": "root", "password": "password", "queue": queue}
        self.ask("/queue", {"Name": queue})

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        login = base64.b64encode(b"root:password").decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/REST/2.0{path}", content, headers, method=method or None)
        with urllib.request.urlopen(request, timeout=120) as found:
            return json.load(found)

    def tickets(self) -> list[dict[str, Any]]:
        query = urllib.parse.quote(f"Queue = '{self.queue}'")
        found = self.ask(f"/tickets?query={query}&fields=Subject,Status,Priority")
        return found["items"]

    def history(self, number: str) -> list[str]:
        """Return what happened to a ticket: "Create", "Subject: …", the text of each comment, "Status: resolved"."""
        rows = self.ask(f"/ticket/{number}/history?fields=Type,Field,NewValue&per_page=100")["items"]
        happened = []
        for row in rows:
            if row["Type"] in ("Set", "Status"):
                happened.append(f"{row['Field']}: {row['NewValue']}")
            elif row["Type"] in ("Create", "Comment"):
                happened.append(self._content(row["id"]) if row["Type"] == "Comment" else "Create")
        return happened

    def _content(self, transaction: str) -> str:
        rows = self.ask(f"/transaction/{transaction}/attachments?fields=Content,ContentType")["items"]
        return "".join(row["Content"] for row in rows if row.get("Content"))


@pytest.fixture
def rt(request_tracker: str, request: pytest.FixtureRequest) -> Rt:
    return Rt(request_tracker, f"Incidents {request.node.name}")


def test_an_event_has_one_ticket_all_its_life(rt: Rt) -> None:
    heard = life("rt_ticket", **rt.params, on_withdraw="close")
    (ticket,) = rt.tickets()
    assert [line.partition(" (MISP")[0].rstrip(".") for line in heard] == told(f"RT ticket {ticket['id']}")
    assert (ticket["Subject"], ticket["Status"]) == ("Event 7: phishing wave, corrected", "open")
    history = rt.history(ticket["id"])
    assert [line.splitlines()[0].partition(" since ")[0] for line in history] == [
        "Create",
        "Subject: Event 7: phishing wave, corrected",
        "Changed in MISP",
        "Changed in MISP",
        "The event is not published in MISP any more.",
        "Status: resolved",
        "Status: open",
        "MISP shares the event again. Changed in MISP",
    ]
    assert "Title: Event 7: phishing wave, corrected" in history[2]
    assert history[3].splitlines()[1:] == ["- 1 attribute added: domain n2[.]example"]
    assert history[-1].splitlines()[1:] == ["- 1 attribute gone"]


def test_a_ticket_is_found_again_when_the_ledger_is_lost(rt: Rt) -> None:
    ask("rt_ticket", event(attribute(1)), **rt.params)
    ledger.close()
    (settings.current().state_folder / "sent.sqlite3").unlink()
    said = detail(ask("rt_ticket", event(attribute(1), attribute(2)), **rt.params))
    (ticket,) = rt.tickets()
    assert said == f"RT ticket {ticket['id']} was updated."
    assert "not known here" in rt.history(ticket["id"])[-1]


def test_a_deleted_ticket_is_none(rt: Rt) -> None:
    ask("rt_ticket", event(attribute(1)), **rt.params)
    (ticket,) = rt.tickets()
    rt.ask(f"/ticket/{ticket['id']}", {"Status": "deleted"}, "PUT")
    said = detail(ask("rt_ticket", event(attribute(1), info="second life"), **rt.params))
    (other,) = rt.tickets()
    assert said == f"RT ticket {other['id']} was created." and other["id"] != ticket["id"]


def test_text_is_text_and_long_subjects_are_cut_before_rt_does(rt: Rt) -> None:
    title = 'it\'s "quoted" \\ and\r\nX-Evil: 1 ' + "ü" * 150
    said = detail(ask("rt_ticket", event(attribute(1), info=title), **rt.params))
    (ticket,) = rt.tickets()
    assert said == f"RT ticket {ticket['id']} was created."
    assert ticket["Subject"].startswith('Event 7: it\'s "quoted" \\ and X-Evil: 1 ü')
    assert ticket["Subject"].endswith("… [cut]") and len(ticket["Subject"].encode()) <= 200
    said = detail(ask("rt_ticket", event(attribute(1), info="short"), **rt.params))
    assert rt.tickets()[0]["Subject"] == "Event 7: short"
    assert said == f"RT ticket {ticket['id']} was updated."


def test_what_rt_leaves_out_is_told(rt: Rt) -> None:
    said = detail(ask("rt_ticket", event(), **rt.params, assignee="nobody-here"))
    assert said.endswith("was created, but RT left out Owner.id.")


@pytest.mark.parametrize(
    ("params", "error"),
    [({"password": "wrong"}, "401"), ({"queue": "there is none"}, "No permission to create tickets in the queue")],
)
def test_what_rt_says_no_to_is_an_error(rt: Rt, params: dict[str, str], error: str) -> None:
    said = ask("rt_ticket", event(), **{**rt.params, **params})
    assert error in said["error"], said
    assert rt.tickets() == []


def test_an_event_without_a_ticket_is_not_withdrawn(rt: Rt) -> None:
    said = detail(ask("rt_ticket", bare(published=False), **rt.params))
    assert said.startswith("RT ticket: there is none to take back")
    assert rt.tickets() == [] and EVENT not in said
