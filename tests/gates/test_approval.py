"""The approval that publish_gate leaves in MISP: before its own deadline, or never, and then it is taken back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.delivery import deliver
from misp_workflow.delivery.transports import misp as _loaded  # noqa: F401 - so that no deadline pays for it
from misp_workflow.testing import HANG, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

GATE = Path(__file__).parents[2] / "misp_modules/modules/action_mod/publish_gate.py"
TAG = "gate:approved"


@pytest.fixture
def misp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with MispStandIn() as standin:
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "settings.toml"))
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        deliver.stop()
        answer_within(standin, tmp_path, 20)
        yield standin
        deliver.stop()


def answer_within(misp: MispStandIn, folder: Path, seconds: int) -> None:
    settings = folder / "settings.toml"
    settings.write_text(f'answer_within = {seconds}\n[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
    settings.chmod(0o600)


@pytest.fixture
def event(misp: MispStandIn) -> dict[str, Any]:
    return misp.add_event({"info": "to be published", "Tag": [{"name": "tlp:green"}], "Attribute": []})


def ask(event: dict[str, Any], **params: str) -> dict[str, Any]:
    body = {
        "module": "publish_gate",
        "data": {"Event": event},
        "params": {"forbidden_tags": "tlp:red", "approval_tag": TAG, **params},
    }
    return ActionFile.load(GATE).module.handler(q=json.dumps(body))


def test_an_event_that_passes_is_approved_and_one_that_does_not_is_not(misp, event):
    assert ask(event)["data"]["status"] == "passed"
    assert misp.tags(event["uuid"]) == {"tlp:green": "global", TAG: "local"}
    other = misp.add_event({"info": "other"})
    assert "no tag matches" in ask(other, required_tags="tlp:*")["error"]
    assert misp.tags(other["uuid"]) == {}


def test_each_publishing_is_approved_anew(misp, event):
    """MISP removes the tag in the graph; the next attempt, of the same event a moment later, must not be skipped."""
    for _ in range(12):
        assert ask(event)["data"]["status"] == "passed"
        assert TAG in misp.tags(event["uuid"])
        misp.events[event["id"]]["_tags"].pop()


def test_a_misp_that_does_not_answer_makes_a_no_in_time(misp, event, tmp_path):
    answer_within(misp, tmp_path, 1)
    misp.answers(HANG)
    assert "did not answer within" in ask(event)["error"]
    assert misp.tags(event["uuid"]) == {"tlp:green": "global"}


def test_an_approval_that_comes_too_late_is_taken_back(misp, event, tmp_path):
    """The request arrives, its answer does not: whether it was carried out the gate cannot know."""
    answer_within(misp, tmp_path, 2)
    respond = misp._otherwise

    def late(request):
        if request.path == "/tags/attachTagToObject":
            respond(request)
            misp.always(respond)
            return HANG
        return respond(request)

    misp.always(late)
    said = ask(event)["error"]
    assert "did not answer within" in said or "too slow for the time that a gate has" in said
    deadline = time.monotonic() + 60
    while TAG in misp.tags(event["uuid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert TAG not in misp.tags(event["uuid"])


def test_an_approval_is_never_kept_for_later(misp, event):
    misp.answers(answer({"message": "down"}, 503))
    assert "503" in ask(event)["error"]
    waiting = [entry.label for entry in deliver.house(deliver.settings.current()).outbox.entries()]
    assert len(waiting) <= 1, "only what takes it back"
    assert TAG not in misp.tags(event["uuid"])


def test_without_a_misp_nothing_passes(misp, event):
    misp.stop()
    assert "error" in ask(event)


@pytest.mark.parametrize("why", ["no misp", "forbidden", "unreadable key", "no answer"])
def test_a_tag_that_was_never_set_is_not_taken_back(why, misp, event, tmp_path):
    """No dead letter tells of the clean-up of what did not happen; only what nobody answered is looked after."""
    settings = tmp_path / "settings.toml"
    if why == "no misp":
        settings.write_text("answer_within = 20")
    elif why == "unreadable key":
        settings.write_text(f'[misp]\nurl = "{misp.url}"\nkey = "file:/no/such/file"\n')
    elif why == "forbidden":
        misp.always(answer({"message": "You do not have permission to do that."}, 403))
    else:
        answer_within(misp, tmp_path, 1)
        misp.answers(HANG)
    assert "Not passed" in ask(event)["error"]
    left = deliver.house(deliver.settings.current()).outbox.entries()
    assert len(left) == (1 if why == "no answer" else 0)


# --- an approval that is there already --------------------------------------------------------------------------------


@pytest.mark.parametrize("local", [True, False])
def test_an_approval_that_is_there_already_is_replaced_by_this_runs_own(misp, local):
    there = misp.add_event({"info": "old", "Tag": [{"name": "tlp:green"}, {"name": TAG, "local": local}]})
    assert ask(there)["data"]["status"] == "passed"
    assert misp.tags(there["uuid"]) == {"tlp:green": "global", TAG: "local"}
    assert "/tags/removeTagFromObject" in [request.path for request in misp.requests]


def test_an_approval_that_misp_does_not_remove_makes_a_no(misp):
    there = misp.add_event({"info": "old", "Tag": [{"name": TAG, "local": False}]})
    respond = misp._otherwise

    def keeping(request):
        if request.path == "/tags/removeTagFromObject":
            return answer({"saved": False, "errors": "no"}, 403)
        return respond(request)

    misp.always(keeping)
    assert "an approval that this gate did not give is on the event" in ask(there)["error"]


def test_the_tag_is_made_local_only_so_that_nobody_can_attach_it_globally(misp, event):
    assert ask(event)["data"]["status"] == "passed"
    (tag,) = [tag for tag in misp.known_tags.values() if tag["name"] == TAG]
    assert tag["local_only"] is True


def test_a_tag_that_is_there_is_made_local_only_and_seen_by_workflows(misp, event):
    made = misp._tag_named(TAG)
    made.update({"local_only": False, "exportable": False})
    assert ask(event)["data"]["status"] == "passed"
    assert made["local_only"] is True and made["exportable"] is True


def test_a_tag_that_workflows_do_not_see_makes_a_no(misp, event):
    misp._tag_named(TAG)["exportable"] = False
    respond = misp._otherwise

    def refusing(request):
        if request.path.startswith("/tags/edit/"):
            return answer({"message": "You do not have permission to do that."}, 403)
        return respond(request)

    misp.always(refusing)
    assert "is not exportable, and MISP's workflows do not see it" in ask(event)["error"]


@pytest.mark.parametrize("said", [{}, [], True, {"Event": {"id": "1"}}])
def test_an_answer_that_says_nothing_leaves_no_approval(misp, event, said: Any):
    """Somebody between us and MISP answers 200 to everything."""
    misp.always(lambda request: answer(said) if "attachTag" in request.path else misp._respond(request))
    assert "does not say whether that was done" in ask(event)["error"]
