"""How a case is kept, whatever the tracker: looked for, made once, remembered, brought up to date."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cases_kit import ACTIONS, EVENT, ask, attribute, bare, detail, event, life, told
from hurry import LEASE, hurried
from trackers import RequestTracker

from misp_workflow import settings
from misp_workflow.delivery import deliver
from misp_workflow.testing import CLOSE, Receiver, answer
from misp_workflow.testing.misp import MispStandIn

KILLS = int(os.environ.get("MISP_WORKFLOW_TEST_KILLS", "6"))


@pytest.fixture
def tracker(receiver: Receiver) -> RequestTracker:
    return RequestTracker(receiver)


def keep(tracker: RequestTracker, data, **params: str):
    return ask("rt_ticket", data, server_url=tracker.url, **tracker.params, **params)


def test_an_event_has_one_case_all_its_life(tracker: RequestTracker) -> None:
    heard = life("rt_ticket", server_url=tracker.url, **tracker.params, on_withdraw="close")
    assert [line.partition(" (MISP")[0].rstrip(".") for line in heard] == told("RT ticket 1")
    assert [line.splitlines()[0].partition(" since")[0] for line in tracker.history["1"]] == [
        "created",
        "Subject: Event 7: phishing wave, corrected",
        "Changed in MISP",
        "Changed in MISP",
        "The event is not published in MISP any more.",
        "Status: resolved",
        "Status: open",
        "MISP shares the event again. Changed in MISP",
    ]


@pytest.mark.parametrize("on_change", ["comment", "nothing"])
def test_a_node_may_want_less(tracker: RequestTracker, on_change: str) -> None:
    for title in ("one", "two", "two"):
        said = detail(keep(tracker, event(attribute(1), info=title), on_change=on_change, on_withdraw="nothing"))
    assert tracker.cases["1"]["Subject"] == "Event 7: one"
    assert len(tracker.history["1"]) == (2 if on_change == "comment" else 1)
    assert said == "RT ticket 1 shows that already."
    keep(tracker, bare(published=False, info="two"), on_withdraw="nothing")
    assert tracker.cases["1"]["Status"] == "new" and len(tracker.history["1"]) == (2 if on_change == "comment" else 1)


def test_a_comment_counts_and_shows_the_first_few(tracker: RequestTracker) -> None:
    keep(tracker, event(*map(attribute, range(1, 30))))
    rows = [attribute(1, "corrected.example"), *map(attribute, range(2, 20)), *map(attribute, range(40, 60))]
    keep(tracker, event(*rows, threat_level_id="2"))
    comment = tracker.history["1"][-1].splitlines()[1:]
    assert comment[0] == "- Threat level: medium"
    assert comment[1].startswith("- 20 attributes added: domain n40[.]example; domain n41[.]example; ")
    assert comment[1].endswith("; …") and comment[1].count("domain") == 5
    assert comment[2:] == ["- 1 attribute corrected: domain corrected[.]example", "- 10 attributes gone"]


def test_an_attribute_that_is_deleted_is_named(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1), attribute(2)))
    keep(tracker, event(attribute(2, deleted=True), whole=False))
    assert tracker.history["1"][-1].splitlines()[1:] == ["- 1 attribute gone: domain n2[.]example"]
    detail(keep(tracker, event(attribute(1))))
    assert len(tracker.history["1"]) == 2, "what left by itself is not told twice"


def test_a_case_that_an_attribute_opened_is_filled_by_the_event(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1), whole=False))
    assert len(tracker.cases) == 1
    keep(tracker, event(attribute(1)))
    assert tracker.history["1"] == ["created"], "facts that nobody knew before are no news"
    keep(tracker, event(attribute(1), analysis="2"))
    assert tracker.history["1"][-1].splitlines()[1:] == ["- Analysis: completed"]


def test_a_draft_has_no_case_before_it_is_published(tracker: RequestTracker) -> None:
    draft = {"published": False, "publish_timestamp": "0"}
    for data in (bare(**draft), event(attribute(1), whole=False, **draft)):
        assert "none is opened before the event is published" in detail(keep(tracker, data))
    assert not tracker.cases
    keep(tracker, event(attribute(1), **draft))  # on event-publish the row does not say yet that it is published
    assert len(tracker.cases) == 1
    said = detail(keep(tracker, event(attribute(2), whole=False, **draft)))
    assert said.startswith("RT ticket 1 was updated"), "an edit unpublishes an event, and its case follows it"


def test_a_node_may_want_a_case_for_a_draft(tracker: RequestTracker) -> None:
    keep(tracker, bare(published=False, publish_timestamp="0"), open_when="saved")
    assert len(tracker.cases) == 1


def test_edits_of_people_stay_unless_that_very_fact_changes(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1)))
    tracker.cases["1"] |= {"Subject": "renamed by hand", "Priority": 99}
    keep(tracker, event(attribute(1), attribute(2)))
    assert (tracker.cases["1"]["Subject"], tracker.cases["1"]["Priority"]) == ("renamed by hand", 99)
    keep(tracker, event(attribute(1), attribute(2), threat_level_id="3"))
    assert (tracker.cases["1"]["Subject"], tracker.cases["1"]["Priority"]) == ("renamed by hand", 10)


def test_what_is_withheld_is_counted_and_never_named(tracker: RequestTracker) -> None:
    red = attribute(2, "secret.example", Tag=[{"name": "tlp:red"}])
    keep(tracker, event(attribute(1), red))
    assert "1 attribute withheld: TLP:RED" in tracker.cases["1"]["Content"]
    keep(tracker, event({**attribute(1), "Tag": [{"name": "tlp:red"}]}, red))
    assert tracker.history["1"][-1].splitlines()[1:] == [
        "- Withheld: 2 attributes withheld: TLP:RED",
        "- 1 attribute gone",
    ]
    assert "secret.example" not in json.dumps([tracker.cases, tracker.history])


def test_an_event_above_the_clearance_is_an_error_and_its_case_stays(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1)))
    said = keep(tracker, event(attribute(1), Tag=[{"name": "tlp:red"}]))
    assert said["error"].endswith("Nothing was sent. A case that is there stays as it is."), said
    assert tracker.history["1"] == ["created"]


def test_a_withheld_attribute_withdraws_nothing(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1)), on_withdraw="close")
    keep(tracker, event(attribute(2, Tag=[{"name": "tlp:red"}]), whole=False, published=False), on_withdraw="close")
    assert tracker.cases["1"]["Status"] == "new"


@pytest.mark.parametrize("kind", ["ShadowAttribute", "EventReport"])
def test_a_proposal_or_report_withdraws_nothing(tracker: RequestTracker, kind: str) -> None:
    keep(tracker, event(attribute(1)))
    keep(tracker, bare(published=False, **{kind: [{"id": "1", "value": "x", "name": "x"}]}))
    assert tracker.history["1"] == ["created"]


def test_a_refused_change_is_an_error_although_the_tracker_answers_200(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1)), on_withdraw="close")
    stubborn = answer(["Ticket 1: Status 'resolved' isn't a valid status for this ticket."])
    tracker.before = lambda request: stubborn if b'"Status":"resolved"' in request.body else None
    said = keep(tracker, bare(published=False), on_withdraw="close")
    assert "isn't a valid status" in said["error"] and '"Status": new' in said["error"], said


# --- the way back -----------------------------------------------------------------------------------------------------


def _of_misp(misp: MispStandIn) -> dict:
    """Return an event that the stand-in has, as event-publish brings it."""
    found = misp.add_event({"info": "linked", "Attribute": [{"type": "domain", "value": "n1.example"}]})
    return {"Event": {"RelatedEvent": [], **found}}


@pytest.mark.parametrize("way", ["tag", "attribute"])
def test_misp_holds_the_address_of_the_case_once(tracker: RequestTracker, misp: MispStandIn, way: str) -> None:
    data = _of_misp(misp)
    uuid = data["Event"]["uuid"]
    for info in ("one", "two", "two"):
        data["Event"]["info"] = info
        assert "MISP does not hold" not in detail(keep(tracker, data, link_back=way))
    event_now = misp.event(uuid)
    page = f"{tracker.url}/Ticket/Display.html?id=1"
    if way == "tag":
        assert misp.tags(uuid) == {f'case:rt_ticket="{page}"': "local"}
        return
    (row,) = [row for row in event_now["Attribute"] if row["type"] == "link"]
    assert (row["value"], row["comment"], row["to_ids"]) == (page, "Case of this event: RT ticket 1", False)
    told = tracker.history["1"][:]
    keep(tracker, {"Event": {**data["Event"], "Attribute": event_now["Attribute"]}}, link_back=way)
    assert tracker.history["1"] == told, "its own link is no news of the event"


def test_without_a_misp_the_case_is_kept_and_that_is_said(tracker: RequestTracker) -> None:
    said = detail(keep(tracker, event(attribute(1)), link_back="tag"))
    assert said.startswith("RT ticket 1 was created; MISP does not hold its address yet: the settings do not say")


# --- made once --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"message": "no"}, 403, "answered 403 Forbidden: no"),
        ({"id": "1", "type": "ticket", "errors": ["no such field"]}, 201, 'answered with an error: ["no such field"]'),
    ],
)
def test_created_although_refused_is_found(tracker: RequestTracker, body: dict, status: int, told: str) -> None:
    tracker.after = lambda request: answer(body, status) if request.path.endswith("/ticket") else None
    said = detail(keep(tracker, event(attribute(1))))
    assert said.startswith(f"RT ticket 1 is there, although RT {told}"), said
    assert len(tracker.cases) == 1


def test_a_lost_answer_makes_no_second_one(tracker: RequestTracker) -> None:
    lost = iter([CLOSE])
    tracker.after = lambda request: next(lost, None) if request.path.endswith("/ticket") else None
    assert keep(tracker, event(attribute(1)))["data"]["status"] == "queued"
    _settled(tracker)
    assert len(tracker.cases) == 1 and tracker.history["1"] == ["created"]
    assert detail(keep(tracker, event(attribute(1)))) == "RT ticket 1 shows that already."


def test_a_case_that_somebody_deleted_is_made_anew(tracker: RequestTracker) -> None:
    keep(tracker, event(attribute(1)))
    del tracker.cases["1"]
    tracker.add({"mark": "another"}, "1234")
    assert detail(keep(tracker, event(attribute(1), info="new"))) == "RT ticket 2 was created."
    assert detail(keep(tracker, event(attribute(1), info="new"))) == "RT ticket 2 shows that already."


def test_a_late_word_changes_nothing(tracker: RequestTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tracker, event(attribute(1)), on_withdraw="close")
    now = time.time()
    keep(tracker, bare(published=False), on_withdraw="close")
    monkeypatch.setattr("misp_workflow.action.shared.cases.time.time", lambda: now - 60)
    said = detail(keep(tracker, event(attribute(1), info="of before"), on_withdraw="close"))
    assert said.startswith("RT ticket: a later call has said more already")
    assert tracker.cases["1"]["Status"] == "resolved"


def test_a_ledger_that_cannot_be_read_is_said_in_the_answer_and_the_log(
    tracker: RequestTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere" / "sent.sqlite3").mkdir(parents=True)
    said = keep(tracker, event(attribute(1)))["data"]
    assert (
        said["status"] == "queued" and "Queued, because what is there already is not known: The led" in said["detail"]
    )
    assert "cannot be read" in caplog.text and "misp-workflow doctor" in caplog.text
    assert not tracker.cases


def test_two_queues_have_two_cases(tracker: RequestTracker) -> None:
    for queue in ("General", "Incidents", "General"):
        keep(tracker, event(attribute(1)), queue=queue)
    assert [one["Queue"] for one in tracker.cases.values()] == ["General", "Incidents"]


def test_many_at_once_make_one_case(tracker: RequestTracker) -> None:
    """Threads of one server; each call tells another title, so that none is the other repeated."""
    tracker.after = lambda request: time.sleep(0.02)  # whoever does not wait its turn looks meanwhile
    heard: list[dict] = []

    def call(number: int) -> None:
        heard.append(keep(tracker, event(attribute(1), info=f"title {number}")))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _settled(tracker)
    assert len(tracker.cases) == 1, heard


CALL = """
import json, sys
from pathlib import Path
from misp_workflow.delivery import deliver
from misp_workflow.testing.contract import ActionFile
module = ActionFile.load(Path(sys.argv[1])).module
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(module.handler(q=sys.argv[2])), flush=True)
deliver.stop()
"""


def _process(tracker: RequestTracker, data: dict, hurry: dict[str, str] | None = None) -> subprocess.Popen:
    request = {"module": "rt_ticket", "data": data, "params": {"server_url": tracker.url, **tracker.params}}
    words = [sys.executable, "-c", CALL, str(ACTIONS / "rt_ticket.py"), json.dumps(request)]
    environment = {**os.environ, **(hurry or {})}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "ready\n"
    return process


def _go(process: subprocess.Popen) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("where", ["disk", "redis"])
def test_replicas_at_once_make_one_case(tracker: RequestTracker, where: str, request: pytest.FixtureRequest) -> None:
    if where == "redis":
        request.getfixturevalue("redis_settings")
    tracker.after = lambda _: time.sleep(0.02)  # whoever does not wait its turn looks meanwhile
    processes = [_process(tracker, event(attribute(1), info=f"title {number}")) for number in range(3)]
    for process in processes:
        _go(process)
    for process in processes:
        process.communicate(timeout=60)
    _settled(tracker)
    assert len(tracker.cases) == 1


@pytest.mark.waits
def test_killed_at_any_point_there_is_one_case(tracker: RequestTracker, tmp_path: Path) -> None:
    """The process dies at some request: before it is carried out, or after, or a little later; another one goes on."""
    chance, hurry = random.Random(7), hurried(tmp_path, *LEASE)
    for turn in range(KILLS):
        data = event(attribute(1), uuid=f"{turn:08d}-0000-4000-8000-00000000000e")
        _killed(tracker, data, chance, hurry)
        said = keep(tracker, data)
        assert "data" in said, said
        assert len(tracker.cases) == turn + 1
    _settled(tracker)  # what the dead ones had in hand is tried, too
    assert sorted(one["mark"] for one in tracker.cases.values()) == [
        f"urn:uuid:{turn:08d}-0000-4000-8000-00000000000e" for turn in range(KILLS)
    ]
    assert {tuple(lines) for lines in tracker.history.values()} == {("created",)}, "nothing changed: nothing is told"


def _killed(tracker: RequestTracker, data: dict, chance: random.Random, hurry: dict[str, str]) -> None:
    """Let a process begin, and kill it. The first request looks, the second makes the ticket, the third reads it."""
    fatal, late, pause = chance.choice([1, 2, 2, 2, 3]), chance.random() < 0.7, chance.choice([0.0, 0.0, 0.005, 0.02])
    victim, count = _process(tracker, data, hurry), itertools.count(1)

    def kill() -> None:
        time.sleep(pause)
        os.kill(victim.pid, signal.SIGKILL)

    def before(request) -> None:
        tracker.number = next(count)
        if tracker.number == fatal and not late:
            os.kill(victim.pid, signal.SIGKILL)

    def after(request) -> None:
        if late and tracker.number == fatal:
            threading.Thread(target=kill).start() if pause else kill()

    tracker.before, tracker.after = before, after
    _go(victim)
    victim.communicate(timeout=60)
    tracker.before = tracker.after = lambda request: None


def _settled(tracker: RequestTracker) -> None:
    """Send on what waits in the outbox, until nothing does."""
    deliver.resume()
    keeper = deliver.house(settings.current())
    for _ in range(2400):
        if not keeper.outbox.anything_waits():
            return
        time.sleep(0.05)
    raise AssertionError("something still waits")


def test_a_ticket_that_refers_to_something_else_is_not_the_events(tracker: RequestTracker) -> None:
    """RT shows what a ticket refers to, so that no search has to be believed."""
    for number in ("1", "2"):
        tracker.add({"Subject": "a person's", "mark": "x", "Status": "new", "Queue": "General"}, number)
    shown = [{"id": number, "type": "ticket", "_hyperlinks": [{"ref": "self", "_url": "x"}]} for number in ("1", "2")]
    tracker.before = lambda request: answer({"items": shown}) if request.path.endswith("/tickets") else None
    said = ask("rt_ticket", event(attribute(1)), server_url=tracker.url, queue="General", **tracker.params)
    assert "was created" in detail(said)
    assert tracker.history["1"] == tracker.history["2"] == ["created"]
    shown[1]["_hyperlinks"].append({"ref": "refers-to", "_url": f"urn:uuid:{EVENT}"})
    other = ask("rt_ticket", event(attribute(1)), server_url=tracker.url, queue="Second", **tracker.params)
    assert "RT ticket 2 was updated" in detail(other)
