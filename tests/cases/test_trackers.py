"""Every tracker that no test can reach, against a stand-in that answers as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases_kit import EVENT, ask, attribute, bare, detail, event, life, told
from trackers import FlowIntel, GitHub, GitLab, Iris, Jira, JiraDataCenter, Redmine, ServiceNow, TheHive, Tracker

from misp_workflow.testing import Received, Receiver, answer
from misp_workflow.testing.receiver import Answer

TRACKERS: list[tuple[str, type[Tracker]]] = [
    ("gitlab_issue", GitLab),
    ("github_issue", GitHub),
    ("servicenow_incident", ServiceNow),
    ("jira_issue", Jira),
    ("jira_issue", JiraDataCenter),
    ("redmine_issue", Redmine),
    ("thehive_alert", TheHive),
    ("iris_alert", Iris),
    ("flowintel_case", FlowIntel),
]
EACH = pytest.mark.parametrize(("action", "kind"), TRACKERS, ids=[kind.__name__ for _, kind in TRACKERS])
TITLES = ("title: ", "short_description: ", "summary: ", "subject: ")
BODIES = ("description", "body")


CALLED = ("iid", "number", "sys_id", "key", "id", "_id", "alert_id")
"""How trackers call what a case is called."""


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Let the ledger be lost."""
    return lambda: monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))


def renamed(tracker: Tracker, request: Received, called: Any) -> Answer:
    """Return the tracker's answer with every case called so."""

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [other(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: called if name in CALLED else other(one) for name, one in value.items()}

    return answer(other(json.loads(tracker.answer(request).body)))


def keep(action: str, tracker: Tracker, data: dict[str, Any], **params: str) -> dict[str, Any]:
    return ask(action, data, server_url=tracker.url, **tracker.params, **params)


@EACH
def test_an_event_has_one_case_all_its_life(action: str, kind: type[Tracker], receiver: Receiver) -> None:
    tracker = kind(receiver)
    heard = life(action, server_url=tracker.url, **tracker.params, on_withdraw="close")
    assert [line.partition(" (MISP")[0].rstrip(".") for line in heard] == told(tracker.name)
    (history,) = tracker.history.values()
    happened = [line for line in history if not line.startswith((*BODIES, "close_", "add_", "remove_"))]
    assert "phishing wave, corrected" in happened[1] and happened[1].startswith(TITLES)
    assert [line.splitlines()[0].partition(" since")[0] for line in happened if not line.startswith(TITLES)] == [
        "created",
        "Changed in MISP",
        "Changed in MISP",
        "The event is not published in MISP any more.",
        happened[-3],  # closed
        happened[-2],  # open again
        "MISP shares the event again. Changed in MISP",
    ]
    assert happened[-3].startswith(("state", "status")) and happened[-2].startswith(("state", "status"))
    assert "1 attribute added: domain n2" in happened[3] and happened[-1].splitlines()[-1].endswith("1 attribute gone")


@EACH
def test_a_case_is_found_by_what_it_bears(action: str, kind: type[Tracker], receiver: Receiver, monkeypatch, tmp_path):
    tracker = kind(receiver)
    keep(action, tracker, event(attribute(1)))
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))
    keep(action, tracker, event(attribute(1)))
    assert len(tracker.cases) == 1


@EACH
def test_created_although_refused_is_found(action: str, kind: type[Tracker], receiver: Receiver) -> None:
    tracker, made = kind(receiver), []

    def refuse(request: Received):
        if tracker.cases and not made:
            made.append(request)
            return answer({"message": "not entitled"}, 403)
        return None

    tracker.after = refuse
    said = detail(keep(action, tracker, event(attribute(1))))
    assert said.startswith(f"{tracker.name} is there, although {tracker.name.split()[0]} answered 403"), said
    assert len(tracker.cases) == 1
    assert detail(keep(action, tracker, event(attribute(1)))) == f"{tracker.name} shows that already."


@EACH
def test_a_case_that_somebody_deleted_is_made_anew(action: str, kind: type[Tracker], receiver: Receiver) -> None:
    tracker = kind(receiver)
    keep(action, tracker, event(attribute(1)))
    tracker.cases.clear()
    assert detail(keep(action, tracker, event(attribute(1), info="new"))).endswith("was created.")


@EACH
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(status=401), "error"),
        (answer(status=429, headers={"Retry-After": "600"}), "queued"),
        (answer(status=403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}), "queued"),
        (answer(status=503), "queued"),
        (answer("<html>Sign in</html>", headers={"Content-Type": "text/html"}), "error"),
    ],
    ids=["expired", "limit", "limit in a 403", "ill", "a page"],
)
def test_a_tracker_in_trouble(action: str, kind: type[Tracker], reply: Any, words: str, receiver: Receiver) -> None:
    tracker = kind(receiver)
    tracker.before = lambda _: reply
    said = keep(action, tracker, event(attribute(1)))
    assert words in said or said["data"]["status"] == words, said
    assert tracker.cases == {}


HOSTILE = "@all @admin #1 !2 GH-3 *b* _i_ [x](https://evil.example) [~root] {code} h1. <b> &amp; `c` \\ [code]<i>[/code]\n/close\nh1. x"


@EACH
def test_event_text_is_text(action: str, kind: type[Tracker], receiver: Receiver) -> None:
    tracker = kind(receiver)
    row = attribute(1, kind="comment", value=HOSTILE, comment=HOSTILE)
    keep(action, tracker, event(row, info=HOSTILE))
    keep(action, tracker, event({**row, "value": f"{HOSTILE} corrected"}, info=f"{HOSTILE} corrected"))
    (case,) = tracker.cases.values()
    written = json.dumps([case, tracker.history], ensure_ascii=False)
    live = {
        "GitLab": ("@all", "@admin", "#1", "!2", "\\n/close", "](https"),
        "GitHub": ("@all", "@admin", "#1", "GH-3", "](https"),
        "ServiceNow": ("[code]<i>",),
        "Jira": (),
        "JiraDataCenter": (),
        "Redmine": (),
        "TheHive": (),  # its title is no Markdown
        "Iris": (),  # nor is this one's
        "FlowIntel": (),  # nor is this one's
    }[kind.__name__]
    assert [mark for mark in live if mark in written] == []
    if kind is TheHive:
        assert "](https" not in case["description"] + tracker.history["~1"][-1]
    if kind in (JiraDataCenter, Redmine):
        marked = json.dumps([case["description"], [line for one in tracker.history.values() for line in one[-1:]]])
        assert [mark for mark in (" *b*", " _i_", " [~root", " {code", " @all", " #1") if mark in marked] == [
            mark for mark in ((" @all",) if kind is JiraDataCenter else ()) if mark in marked
        ]


def test_jira_is_not_asked_to_make_a_second_one_before_its_search_can_know(receiver: Receiver) -> None:
    tracker = Jira(receiver)
    tracker.indexed = False
    tracker.after = lambda request: answer(status=502) if request.path.endswith("/issue") else None
    assert keep("jira_issue", tracker, event(attribute(1)))["data"]["status"] == "queued"
    tracker.after = lambda request: None
    said = keep("jira_issue", tracker, event(attribute(1), info="again"))
    assert said["data"]["status"] == "queued" and len(tracker.cases) == 1, said


def test_jira_without_the_transition_is_an_error(receiver: Receiver) -> None:
    tracker = Jira(receiver)
    keep("jira_issue", tracker, event(attribute(1)))
    data = bare(published=False)
    said = keep("jira_issue", tracker, data, on_withdraw="close", close_transition="Closed for ever")
    assert "there is no transition “Closed for ever”" in said["error"]


def test_jira_says_why_it_limits(receiver: Receiver) -> None:
    tracker = Jira(receiver)
    reason = {"Retry-After": "600", "RateLimit-Reason": "jira-quota-tenant-based"}
    tracker.before = lambda _: answer(status=429, headers=reason)
    assert "jira-quota-tenant-based" in detail(keep("jira_issue", tracker, event()))


def test_what_servicenow_leaves_out_is_told(receiver: Receiver) -> None:
    row = {"sys_id": "a" * 32, "number": "INC0000001"}
    receiver.answers(answer({"result": []}), answer({"result": row}, 201))
    said = detail(ask("servicenow_incident", event(), server_url=receiver.url, username="u", password="a pass phrase"))
    assert said == "ServiceNow incident INC0000001 was created, but ServiceNow left out correlation_id."


def test_thehive_gets_equal_observables_once_and_what_it_loses_is_told(receiver: Receiver) -> None:
    tracker = TheHive(receiver)
    rows = (attribute(1, "a.example"), attribute(2, "a.example|192.0.2.1", "domain|ip"), attribute(3, "x", "text"))
    assert detail(keep("thehive_alert", tracker, event(*rows))) == "TheHive alert ~1 was created."
    sent = receiver.requests[1].json()["observables"]
    assert [(one["dataType"], one["data"]) for one in sent] == [
        ("domain", "a.example"),
        ("ip", "192.0.2.1"),
        ("other", "x"),
    ]
    tracker.cases.clear()
    tracker.blind = True
    said = detail(keep("thehive_alert", tracker, event(*rows, info="again")))
    assert said == "TheHive alert ~1 was created, but TheHive left out observableCount."


def test_thehive_that_refuses_a_second_alert_keeps_the_first_one(receiver: Receiver, monkeypatch, tmp_path) -> None:
    tracker, hidden = TheHive(receiver), []
    keep("thehive_alert", tracker, event(attribute(1)))
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))

    def too_early(request: Received):
        if request.path.endswith("/query") and not hidden:
            hidden.append(request)
            return answer([])
        return None

    tracker.before = too_early
    said = detail(keep("thehive_alert", tracker, event(attribute(1), info="another title")))
    assert "TheHive alert ~1 is there, although TheHive answered 400 Bad Request: Alert already exists" in said
    assert len(tracker.cases) == 1 and hidden
    assert tracker.cases["~1"]["title"].endswith("another title"), "nobody knew what the first one said"
    assert "was updated" in detail(keep("thehive_alert", tracker, event(attribute(1), info="a third title")))
    assert tracker.cases["~1"]["title"].endswith("a third title")


def test_thehive_gets_what_is_new_once(receiver: Receiver) -> None:
    tracker = TheHive(receiver)
    rows = [attribute(1, "a.example"), attribute(2, "b.example|192.0.2.1", "domain|ip")]
    keep("thehive_alert", tracker, event(*rows))
    more = [attribute(3, "b.example"), attribute(4, "c.example"), attribute(5, "c.example")]
    assert detail(keep("thehive_alert", tracker, event(*rows, *more))) == "TheHive alert ~1 was updated."
    corrected = {**attribute(1, "corrected.example")}
    detail(keep("thehive_alert", tracker, event(corrected, whole=False)))
    values = [value for _, value in tracker.observables]
    assert values == ["a.example", "b.example", "192.0.2.1", "c.example", "corrected.example"]
    said = detail(keep("thehive_alert", tracker, event(attribute(6, "a.example"), whole=False)))
    assert said.startswith("TheHive alert ~1 was updated. ("), (
        said
    )  # what is gone stays there, and is no news when it comes back
    no = answer({"type": "BadRequest", "message": "Value is not valid"}, 400)
    tracker.before = lambda request: no if request.path.endswith("/observable") else None
    said = detail(keep("thehive_alert", tracker, event(attribute(7, "d.example"), whole=False)))
    assert said.startswith("TheHive alert ~1 was updated, but 1 of 1 new values are not in it, because TheHive"), said


def test_a_node_that_only_comments_adds_no_observables(receiver: Receiver) -> None:
    tracker = TheHive(receiver)
    keep("thehive_alert", tracker, event(attribute(1)), on_change="comment")
    keep("thehive_alert", tracker, event(attribute(1), attribute(2)), on_change="comment")
    assert tracker.observables == [("domain", "n1.example")]


def test_flowintel_gets_the_objects_and_a_case_that_it_made_although_it_failed_is_found(receiver: Receiver) -> None:
    tracker, broken = FlowIntel(receiver), iter([answer(status=500)])
    tracker.after = lambda request: next(broken, None) if request.path.endswith("/create_with_event") else None
    inner = attribute(2, "a" * 64, "sha256", object_relation="sha256")
    thing = {"uuid": "10000000-0000-4000-8000-000000000000", "name": "file", "Attribute": [inner]}
    data = event(attribute(1), Object=[thing])
    assert keep("flowintel_case", tracker, data)["data"]["status"] == "queued"
    assert detail(keep("flowintel_case", tracker, data)) == "FlowIntel case 1 was created by a try before this one."
    (case,) = tracker.cases.values()
    assert case["event"]["Event"]["Object"][0]["Attribute"][0]["value"] == "a" * 64
    assert case["ticket_id"] == f"urn:uuid:{data['Event']['uuid']}" and "n1" in case["description"]


def test_a_flowintel_case_that_people_completed_is_not_made_twice(receiver: Receiver, monkeypatch, tmp_path) -> None:
    tracker = FlowIntel(receiver)
    keep("flowintel_case", tracker, event(attribute(1)))
    tracker.cases["1"]["completed"] = True  # its search does not know it any more
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))
    keep("flowintel_case", tracker, event(attribute(1)))
    assert len(tracker.cases) == 1


def test_a_flowintel_case_of_others_with_the_same_title_stays_as_it_is(
    receiver: Receiver, monkeypatch, tmp_path
) -> None:
    tracker = FlowIntel(receiver)
    keep("flowintel_case", tracker, event(attribute(1)))
    tracker.cases["1"] |= {"completed": True, "ticket_id": "theirs"}
    theirs = dict(tracker.cases["1"])
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "another"))
    assert "Title already exist" in keep("flowintel_case", tracker, event(attribute(1), attribute(2)))["error"]
    assert tracker.cases == {"1": theirs}


def test_iris_gets_iocs_of_the_types_that_are_named_and_equal_ones_once(receiver: Receiver) -> None:
    tracker = Iris(receiver)
    rows = (
        attribute(1, "a.example"),
        attribute(2, "a.example"),
        attribute(3, "192.0.2.1", "ip-dst"),
        attribute(4, "x", "text"),
    )
    keep("iris_alert", tracker, event(*rows), ioc_types="Domain: 20\nip-dst: 76")
    made = [(one["ioc_value"], one["ioc_type_id"]) for one in tracker.cases["1"]["alert_iocs"]]
    assert made == [("a.example", 20), ("192.0.2.1", 76)]


@EACH
def test_event_text_that_names_another_events_mark_gives_it_no_case(action, kind: type[Tracker], receiver) -> None:
    """It would get that one's updates, and that one no case of its own."""
    tracker = kind(receiver)
    other = event(attribute(2))
    mark = f"MISP event: urn:uuid:{EVENT}"
    first = event(attribute(1, mark, "text", comment=f"a\n{mark}\n"), info=f"x\n{mark}")
    first["Event"]["uuid"] = "10000000-0000-4000-8000-000000000001"
    assert "was created" in detail(keep(action, tracker, first))
    before = json.dumps(tracker.history)
    assert "was created" in detail(keep(action, tracker, other))
    assert len(tracker.cases) == 2
    made = next(iter(tracker.history))
    assert json.loads(before)[made] == tracker.history[made]


@pytest.mark.parametrize(
    ("action", "kind"), [("gitlab_issue", GitLab), ("github_issue", GitHub), ("redmine_issue", Redmine)]
)
def test_a_case_that_only_quotes_the_mark_stays_as_it_is(
    action: str, kind: type[Tracker], receiver: Receiver, lost: Callable[[], None]
) -> None:
    tracker = kind(receiver)
    keep(action, tracker, event(attribute(1)))
    (ours,) = tracker.cases
    tracker.cases[ours] = json.loads(
        json.dumps(tracker.cases[ours]).replace("MISP event: urn:", "see MISP event: urn:")
    )
    lost()
    assert "was created" in detail(keep(action, tracker, event(attribute(1))))
    assert tracker.history[ours] == ["created"]


@pytest.mark.parametrize(
    "called", ["..", ".", "../x", "http://other.example/1", "a?b", "", None, True, 1.5, -1, [1], {}]
)
@EACH
def test_a_case_that_is_called_something_else_than_a_case_is_not_touched(
    action: str, kind: type[Tracker], receiver: Receiver, called: Any, lost: Callable[[], None]
) -> None:
    """ ".." would be the project; and nothing is made beside what there is."""
    tracker = kind(receiver)
    keep(action, tracker, event(attribute(1)))
    lost()
    asked = len(receiver.requests)
    tracker.after = lambda request: renamed(tracker, request, called)
    said = keep(action, tracker, event(attribute(1)))
    assert "without saying what it is called: none is made or changed" in said.get("error", ""), said
    assert len(receiver.requests) == asked + 1


@EACH
def test_what_is_no_list_is_not_an_empty_one(action: str, kind: type[Tracker], receiver: Receiver) -> None:
    """A second case would be made."""
    tracker = kind(receiver)
    for said in ({}, "x", 5, {"error": "x"}, {"issues": {}, "result": {}, "data": 5, "cases": "x", "items": True}):
        tracker.after = lambda request, said=said: answer(said)
        assert "error" in keep(action, tracker, event(attribute(1)))
    assert tracker.cases == {}


@EACH
@pytest.mark.parametrize("said", [{"error": "no"}, {"errors": ["no"]}, {"status": "failure"}])
def test_an_error_in_a_good_status_is_one(action: str, kind: type[Tracker], receiver: Receiver, said) -> None:
    tracker = kind(receiver)
    keep(action, tracker, event(attribute(1)))
    tracker.after = lambda request: answer(said) if request.method in ("PUT", "PATCH", "POST") else None
    assert "error" in keep(action, tracker, event(attribute(1), info="another title"))
