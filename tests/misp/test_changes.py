"""Each change in MISP: made, already so, missing, not allowed, in part; against the stand-in or a real MISP."""

from __future__ import annotations

import uuid
from functools import partial

import pytest
from misp_support import REAL_KEY, REAL_URL, RealMisp, example_event, make

from misp_workflow.delivery.changes import look, tags
from misp_workflow.delivery.changes.tally import Tally
from misp_workflow.testing import CLOSE, HANG, answer

GONE = {"uuid": "56b34207-8e57-4376-9abf-fe6762a444f2", "type": "domain", "value": "gone.example"}


@pytest.mark.parametrize("local", [True, False])
def test_a_tag_is_attached_once(misp, example, local):
    first = example["Attribute"][1]
    values = {"add": ["type:OSINT"], "local": local}
    assert make("tag", example, first, values=values).outcome == "delivered"
    assert misp.tags(first["uuid"]) == {"type:OSINT": "local" if local else "global"}
    again = make("tag", example, first, values=values)
    assert again.outcome == "delivered"
    assert again.detail.endswith("was so already")
    assert make("tag", example, values={"add": ["type:OSINT"], "local": local}).outcome == "delivered"
    assert misp.tags(example["uuid"]) == {"type:OSINT": "local" if local else "global"}


def test_an_attribute_of_an_object_is_tagged_like_any_other(misp, example):
    inner = example["Object"][0]["Attribute"][0]
    assert make("tag", example, inner, values={"add": ["type:OSINT"]}).outcome == "delivered"
    assert "type:OSINT" in misp.tags(inner["uuid"])


def test_tags_are_removed_by_pattern_and_an_absent_one_is_no_failure(misp, example):
    amber = example["Attribute"][0]
    assert make("tag", example, amber, values={"remove": ["TLP:*"]}).outcome == "delivered"
    assert misp.tags(amber["uuid"]) == {}
    assert "so already" in make("tag", example, amber, values={"remove": ["TLP:*"]}).detail


def test_a_tag_replaces_another_also_where_misp_wants_only_one_of_a_taxonomy(misp, example):
    rows = example["Attribute"]
    values = {"add": ["tlp:green"], "remove": ["tlp:*"], "local": False}
    assert make("tag", example, *rows, values=values).detail == "MISP changed 3 of 3 attributes"
    assert [misp.tags(row["uuid"]) for row in rows] == [{"tlp:green": "global"}] * 3


def test_a_tag_is_found_by_its_exact_name_and_attached_by_its_id(misp, example):
    """MISP looks names up with LIKE: asked for wf_like, it attaches wfAlike, and says so as a success."""
    address, domain, _ = example["Attribute"]
    assert make("tag", example, address, values={"add": ["wfAlike"]}).outcome == "delivered"
    assert make("tag", example, domain, values={"add": ["wf_like"]}).detail == f"MISP changed {domain['value']}"
    assert misp.tags(domain["uuid"]) == {"wf_like": "local"}
    assert make("tag", example, domain, values={"remove": ["wfAlike"]}).detail.endswith("was so already")
    assert make("tag", example, domain, values={"remove": ["wf_like"]}).outcome == "delivered"
    assert misp.tags(domain["uuid"]) == {}


def test_a_tag_of_digits_is_no_id(misp, example):
    domain = example["Attribute"][1]
    for _ in range(2):
        assert make("tag", example, domain, values={"add": ["20261128"]}).outcome == "delivered"
    assert misp.tags(domain["uuid"]) == {"20261128": "local"}


def test_capitals_make_no_second_tag(misp, example):
    address, domain, _ = example["Attribute"]
    for row, name in ((address, "type:OSINT"), (domain, "TYPE:osint")):
        assert make("tag", example, row, values={"add": [name]}).outcome == "delivered"
    assert misp.tags(domain["uuid"]) == {"type:OSINT": "local"}


def test_a_name_that_misp_would_cut_is_refused(misp, example):
    said = make("tag", example, example["Attribute"][1], values={"add": ["n" * 256]})
    assert (said.outcome, "cuts the name of a tag at 255" in said.detail) == ("refused", True), said
    assert misp.tags(example["Attribute"][1]["uuid"]) == {}


def test_a_removal_takes_local_tags_and_global_ones(misp, example):
    for local in (True, False):
        assert make("tag", example, values={"add": ["type:OSINT"], "local": local}).outcome == "delivered"
        assert make("tag", example, values={"remove": ["type:OSINT"]}).detail == "MISP changed the event"
        assert misp.tags(example["uuid"]) == {}


def test_a_tag_made_for_this_misp_alone_cannot_be_attached_globally(standin, use):
    use(standin)
    event = standin.add_event(example_event())
    standin.tag("gate:ok", local_only=True)
    values = {"add": ["gate:ok"]}
    assert make("tag", event, values=values).outcome == "delivered"
    said = make("tag", event, event["Attribute"][1], values={**values, "local": False})
    assert "This tag can only be set as a local tag." in said.detail
    assert "{" not in said.detail, "MISP wraps its reasons in JSON"


def test_a_user_of_another_organisation_is_told_what_local_tags_need(standin, use):
    event = standin.add_event({"info": "x"})
    standin.tag("gate:ok")
    use(standin, key=standin.outside_key)
    said = make("tag", event, values={"add": ["gate:ok"]})
    assert said.detail == (
        "MISP changed nothing: the event (only users of MISP's host organisation (MISP.host_org_id) may attach local "
        "tags, and the API key's user is of another)"
    )


def test_a_tag_that_misp_says_it_attached_and_did_not_is_no_success(standin, use):
    use(standin)
    event = standin.add_event(example_event())
    respond = standin._otherwise
    attached = answer({"saved": True, "success": True, "name": "attached"})
    standin.always(lambda request: attached if "attachTag" in request.path else respond(request))
    said = make("tag", event, event["Attribute"][1], values={"add": ["type:OSINT"]})
    assert (said.outcome, "said that it attached “type:OSINT”, and has it not" in said.detail) == ("refused", True)


def test_two_changes_of_one_call_are_told_as_one(standin, use):
    """As warninglist_check makes them; the two sentences of two changes contradicted each other."""
    use(standin)
    event = standin.add_event(example_event())
    domain = event["Attribute"][1]
    values = {"set": {"to_ids": False}, "add": ["type:OSINT"], "local": True}
    assert make("edit", event, domain, values=values).outcome == "delivered"
    assert make("mark", event, domain, values=values).detail == f"MISP changed {domain['value']}"
    assert make("mark", event, domain, values=values).detail == f"{domain['value']} was so already"


def test_partial_success_names_the_items(misp, example):
    said = make("tag", example, example["Attribute"][1], GONE, values={"add": ["type:OSINT"]})
    assert said.outcome == "refused"
    assert said.detail.startswith("MISP changed 1 of 2 attributes; not changed: gone.example (MISP does not have it")
    assert misp.tags(example["Attribute"][1]["uuid"]) == {"type:OSINT": "local"}


def test_only_what_differs_is_edited(misp, example):
    address, domain, _ = example["Attribute"]
    values = {"set": {"to_ids": False, "comment": "checked"}}
    assert make("edit", example, address, domain, values=values).detail == "MISP changed 2 of 2 attributes"
    now = misp.attribute(address["uuid"])
    assert (now["to_ids"], now["comment"], now["disable_correlation"]) == (False, "checked", False)
    assert "2 of 2 attributes were so already" in make("edit", example, address, domain, values=values).detail
    assert make("edit", example, address, values={"set": {"distribution": "0"}}).outcome == "delivered"
    assert misp.attribute(address["uuid"])["distribution"] == "0"


def test_an_event_is_edited_published_and_unpublished(misp, example):
    values = {"set": {"info": "edited", "threat_level_id": "1", "analysis": "2", "distribution": "0"}}
    assert make("event", example, values=values).detail == "MISP changed the event"
    now = misp.event(example["uuid"])
    assert (now["info"], now["threat_level_id"], now["analysis"], now["distribution"]) == ("edited", "1", "2", "0")
    assert make("event", example, values=values).detail == "the event was so already"
    assert "queued" in make("event", example, values={"publish": True}).detail
    assert make("event", example, values={"set": {"distribution": "9"}}).outcome == "refused"


def test_invalid_values_are_said_with_mispes_own_reason(misp, example):
    said = make("event", example, values={"set": {"distribution": "9"}})
    assert "Could not edit Event: distribution: Options" in said.detail


@pytest.mark.parametrize(
    ("change", "values"),
    [
        ("sighting", {"type": "1", "source": "workflow"}),
        ("note", {"kind": "Note", "note": "written by a workflow", "language": "en"}),
        ("note", {"kind": "Opinion", "opinion": 20, "comment": "likely benign"}),
    ],
)
def test_what_can_be_added_without_end_is_added_once_within_the_window(misp, example, change, values):
    domain = example["Attribute"][1]
    assert make(change, example, domain, values=values).detail.startswith("MISP changed ")
    assert "a moment ago" in make(change, example, domain, values=values).detail
    if change == "sighting":
        assert [one["type"] for one in misp.event(example["uuid"])["Attribute"][1]["Sighting"]] == ["1"]


def test_a_note_on_the_event_and_a_report(misp, example):
    assert make("note", example, values={"kind": "Note", "note": "n", "language": "en"}).outcome == "delivered"
    report = {"name": "Workflow report", "content": "# Summary", "distribution": "5"}
    assert make("report", example, values=report).outcome == "delivered"
    assert [one["name"] for one in misp.event(example["uuid"])["EventReport"]] == ["Workflow report"]


def test_a_note_whose_answer_was_lost_is_not_made_twice_and_no_failure(standin, use, tmp_path):
    """MISP answers a uuid that it has with an internal error."""
    event = standin.add_event({"info": "x"})
    for folder in ("one", "two"):  # another process, whose memory does not know the first
        use(standin, f'state_folder = "{tmp_path / folder}"')
        said = make("note", event, values={"kind": "Note", "note": "n", "language": "en"})
        assert said.outcome == "delivered"
    assert len(standin.analyst_data) == 1


def test_half_of_a_surrogate_pair_is_no_reason_to_stumble(misp, example):
    values = {"kind": "Note", "note": "half \ud83d of it", "language": "en"}
    assert make("note", example, values=values).outcome in ("delivered", "refused")


def test_a_sighting_of_what_is_gone_is_no_success(misp, example):
    said = make("sighting", example, GONE, values={"type": "0", "source": ""})
    assert said.outcome == "refused"
    assert "No valid attributes found" in said.detail


@pytest.mark.site_admin
def test_an_event_goes_on_the_blocklist_once(misp):
    event = {"uuid": str(uuid.uuid4())}
    if isinstance(misp, RealMisp):
        misp.will_make(event["uuid"])
    values = {"comment": "by workflow", "event_info": "x", "event_orgc": "y"}
    assert make("blocklist", event, values=values).detail == "MISP changed the event"
    assert make("blocklist", event, values=values).detail == "the event was so already"


def test_the_whole_object_missing(misp):
    for change, values in [
        ("tag", {"add": ["x"]}),
        ("event", {"set": {"info": "x"}}),
        ("report", {"name": "", "content": ""}),
    ]:
        said = make(change, {"uuid": str(uuid.uuid4())}, values=values)
        assert (said.outcome, "does not have it" in said.detail) == ("refused", True), said


# --- MISP in trouble: the stand-in only -------------------------------------------------------------------------------


def test_a_wrong_key_a_reader_and_no_settings_are_plain_sentences(standin, use, monkeypatch):
    event = standin.add_event(
        {"info": "x", "Attribute": [{"type": "domain", "value": f"{i}.example"} for i in range(9)]}
    )
    use(standin, key="0" * 40)
    assert "does not accept the API key" in make("tag", event, values={"add": ["x"]}).detail
    use(standin, key=standin.read_only_key)
    standin.clear()
    said = make("tag", event, *event["Attribute"], values={"add": ["x"]})
    assert (said.outcome, "lacks the permission" in said.detail) == ("refused", True)
    assert len(standin.requests) == 4, "one look, three for the tag, whose no all of them hear"
    use(standin, key="not a key\\nX-Evil: 1")
    assert "is no API key" in make("tag", event, values={"add": ["x"]}).detail
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", "/dev/null")
    assert "settings" in make("tag", event, values={"add": ["x"]}).detail


@pytest.mark.parametrize(
    ("reply", "outcome", "says"),
    [
        (answer({"message": "An Internal Error Has Occurred."}, 500), "again", "500 Internal Server Error"),
        (answer("<html>", 502), "again", "502"),
        (answer({"message": "Event is locked"}, 403), "refused", "keeps it locked"),
        (answer("<html>welcome</html>"), "refused", "check misp.url"),
        (answer({"response": "nonsense"}), "again", "not understood"),
        (answer([1, 2]), "refused", "does not have it"),
        (CLOSE, "again", "closed the connection"),
        (HANG, "again", "did not answer within"),
        (answer({"response": []}, drip=0.2), "again", "did not answer within"),
    ],
)
def test_a_misp_in_trouble_is_told_in_time(standin, use, reply, outcome, says):
    event = standin.add_event({"info": "x"})
    use(standin)
    standin.answers(reply, reply)
    said = make("tag", event, values={"add": ["x"]}, seconds=1.0)
    assert (said.outcome, says in said.detail) == (outcome, True), said
    assert standin.key not in said.detail


@pytest.mark.parametrize("reply", [[], {}, {"message": ""}])
def test_an_answer_that_says_nothing_is_told_as_that(standin, use, reply):
    event = standin.add_event({"info": "x", "Attribute": [{"type": "domain", "value": "a.example"}]})
    use(standin)
    standin.always(answer(reply))
    said = make("sighting", event, event["Attribute"][0], values={"type": "0", "source": ""})
    assert said.outcome == "refused" and "MISP says: nothing that is understood here" in said.detail


def test_a_redirect_elsewhere_gets_no_key(standin, use):
    event = standin.add_event({"info": "x"})
    use(standin)
    standin.answers(answer("", 302, {"Location": "http://127.0.0.1:9/login"}))
    assert "not followed" in make("tag", event, values={"add": ["x"]}).detail


def test_nothing_listens(standin, use):
    use(standin)
    standin.stop()
    said = make("tag", {"uuid": str(uuid.uuid4())}, values={"add": ["x"]})
    assert (said.outcome, said.down) == ("again", True)


def test_a_state_folder_that_cannot_be_written_is_said(standin, use, tmp_path):
    event = standin.add_event({"info": "x"})
    use(standin)
    (tmp_path / "state").write_text("a file where the folder should be")
    said = make("tag", event, values={"add": ["x"]}, origin="a node")
    assert said.outcome == "again"
    assert "cannot be noted" in said.detail


def test_the_real_one_is_asked_when_it_is_named(misp):
    """So that nobody believes a real MISP was tested when the variables were misspelt."""
    assert isinstance(misp, RealMisp) == bool(REAL_URL and REAL_KEY)


def test_what_somebody_else_attached_meanwhile_is_no_change_of_ours() -> None:
    class Quicker:
        def tag(self, *_: object) -> dict:
            message = "Attribute already has the requested tag attached, no changes had to be made for tag type:OSINT."
            return {"saved": True, "success": True, "message": message}

    tally = Tally({"u": "a.example"})
    look.each([{"uuid": "u"}], tally, partial(tags._attach_one, Quicker(), "7", True))
    assert tally.sentence() == "a.example was so already"
