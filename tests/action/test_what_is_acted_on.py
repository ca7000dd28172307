"""Which attributes an action acts on: selected ones, those in selected objects, none that is deleted; and what is said
of each, whatever types MISP sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules/modules/action_mod"
EVENT = "11111111-2222-4333-8444-555555555555"
BROKER = {"address": "redis://127.0.0.1:9", "stream": "misp", "withdraw_tags": ""}


def attribute(number: int, kind: str = "domain", **more: Any) -> dict[str, Any]:
    told = {"uuid": f"{number:08d}-0000-4000-8000-000000000000", "type": kind, "to_ids": True, "timestamp": "17"}
    return {**told, "value": f"n{number}.example", "category": "Network activity", **more}


def thing(number: int, *rows: dict[str, Any]) -> dict[str, Any]:
    uuid = f"{number:08d}-0000-4000-8000-00000000000f"
    return {"id": str(number), "uuid": uuid, "name": "file", "meta-category": "file", "Attribute": [*rows]}


def event(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"id": "7", "uuid": EVENT, "info": "any", "timestamp": "17", "published": True, "RelatedEvent": []}
    return {"Event": {**told, "Attribute": [*rows], **more}}


def said(action: str, data: dict[str, Any], selected: Any = None, **params: str) -> tuple[str, str]:
    """Ask an action for a dry run, and return its status and what it says of it."""
    told = {"dry_run": "true", **params}
    request = {"module": action, "data": data, "filteredItems": data if selected is None else selected, "params": told}
    answer = ActionFile.load(ACTIONS / f"{action}.py").module.handler(q=json.dumps(request))
    return answer["data"]["status"], answer["data"]["detail"]


@pytest.mark.parametrize("selected", [lambda one: [one], lambda one: {"3": one}])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("misp_tag", {"tags": "seen:yes"}),
        ("misp_sighting", {}),
        ("redis_stream", BROKER),
        ("elastic_document", {"server_url": "http://127.0.0.1:9", "index": "misp"}),
    ],
)
def test_of_an_object_that_is_selected_its_attributes_are_acted_on(action, params, selected):
    one = thing(1, attribute(11), attribute(12, deleted="1"))
    status, detail = said(action, event(attribute(2), Object=[one, thing(3, attribute(31))]), selected(one), **params)
    assert status == "dry-run" and "n11.example" in detail
    assert not [value for value in ("n2.example", "n12.example", "n31.example") if value in detail]


def test_what_the_clearance_keeps_of_a_selected_object_stays():
    red = attribute(12, Tag=[{"name": "tlp:red"}])
    one = thing(1, attribute(11), red)
    _, detail = said("redis_stream", event(Object=[one]), [one], **BROKER)
    assert "n11.example" in detail and "n12.example" not in detail


def test_a_selected_event_is_not_all_of_its_attributes():
    data = event(attribute(1))
    assert said("misp_tag", data, [data["Event"]], tags="seen:yes")[0] == "skipped"


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("misp_tag", {"tags": "seen:yes"}),
        ("misp_attribute_edit", {"to_ids": "true"}),
        ("misp_sighting", {}),
        ("misp_note", {"note_text": "seen"}),
        ("misp_warninglist_add", {"list_name": "ours"}),
        ("misp_enrichment", {"enrichment_module": "dns"}),
    ],
)
@pytest.mark.parametrize("deleted", [True, 1, "1", "true"])
def test_what_is_deleted_is_neither_changed_nor_asked_about(action, params, deleted):
    gone = attribute(1, deleted=deleted)
    for selected in (None, [gone]):
        status, detail = said(action, event(gone), selected, selected_or_all="all", **params)
        assert (status, detail) == ("skipped", "what was selected is deleted in MISP, and so left alone")
    status, detail = said(action, event(gone, attribute(2)), selected_or_all="all", **params)
    assert status == "dry-run" and "n2.example" in detail and "n1.example" not in detail


def test_a_table_has_no_line_of_what_is_deleted():
    mail = {"recipients": "soc@example.org", "sender": "misp@example.org", "smtp_server": "127.0.0.1"}
    asked = {**mail, "attachment": "csv", "selected_or_all": "all", "message": "-"}
    _, detail = said("email_message", event(attribute(1, deleted="1"), attribute(2)), **asked)
    assert "n2.example" in detail and "n1.example" not in detail
    _, detail = said("email_message", event(attribute(1, deleted="1")), **asked)
    assert "No attachment: what was selected is deleted in MISP." in detail


def record(data: dict[str, Any], action: str = "redis_stream", **params: str) -> dict[str, Any]:
    """Return the one record of a dry run."""
    detail = said(action, data, selected_or_all="all", **params)[1]
    batch, _ = json.JSONDecoder().raw_decode(detail, detail.index("{"))
    return json.loads(batch["records"][0]["body"])


@pytest.mark.parametrize("granularity", ["attribute", "event"])
def test_a_flat_record_has_the_same_types_whatever_misp_sends(granularity):
    asked = {**BROKER, "granularity": granularity}
    usual = event(attribute(1), threat_level_id="2", analysis="1", distribution="1")
    before_a_save = event(attribute(1, timestamp=17), threat_level_id=2, analysis=1, distribution=1)
    before_a_save["Event"] |= {"id": 7, "timestamp": 17, "published": "1"}
    assert record(before_a_save, **asked) == record(usual, **asked)


@pytest.mark.parametrize("listed", [{}, {"_allTags": [{"name": "own:one"}, {"name": "tlp:amber", "inherited": True}]}])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("redis_stream", BROKER),
        ("elastic_document", {"server_url": "http://127.0.0.1:9", "index": "misp"}),
    ],
)
def test_a_record_has_the_tags_of_attribute_and_event(action, params, listed):
    row = attribute(1, Tag=[{"name": "own:one"}], **listed)
    assert record(event(row, Tag=[{"name": "tlp:amber"}]), action, **params)["tags"] == ["own:one", "tlp:amber"]


def test_nobody_gets_a_mail_twice_for_another_spelling():
    mail = {"sender": "misp@example.org", "smtp_server": "127.0.0.1", "message": "-"}
    listed = {"recipients": "SOC@Example.org; soc@example.org", "cc": "Duty@example.org", "bcc": "duty@EXAMPLE.org"}
    _, detail = said("email_message", event(), **mail, **listed)
    assert detail.count('"kind": "mail"') == 2


GREEN, AMBER = {"name": "tlp:green"}, {"name": "tlp:amber"}
MAIL = {"recipients": "soc@example.org", "sender": "misp@example.org", "smtp_server": "127.0.0.1"}
CLUSTER = {"uuid": EVENT, "type": "threat-actor", "value": "Any", "tag_name": "misp-galaxy:threat-actor=Any"}


@pytest.mark.parametrize("selected", [[GREEN], [{"uuid": EVENT, "name": "a report", "content": "-"}], [CLUSTER], ["-"]])
def test_what_is_no_attribute_selects_none(selected):
    data = event(attribute(1), Tag=[GREEN])
    for action, params in (("redis_stream", BROKER), ("misp_sighting", {})):
        status, detail = said(action, data, selected, selected_or_all="all", **params)
        assert status == "skipped" and "what the node's filter selected holds no attribute" in detail
    _, detail = said("email_message", data, selected, **MAIL, attachment="csv")
    assert "Selected" not in detail and "No attachment: the node's filter selected no attribute." in detail


def test_a_selected_event_that_is_unpublished_is_taken_back():
    row = {"id": "7", "uuid": EVENT, "info": "any", "timestamp": "17", "published": False}
    assert said("redis_stream", {"Event": row}, [row], **BROKER)[0] == "dry-run"


@pytest.mark.parametrize("part", ["EventReport", "ShadowAttribute", "Object", "Galaxy"])
@pytest.mark.parametrize("tags", [{"Tag": [AMBER]}, {"EventReportTag": [{"Tag": AMBER}]}])
def test_a_message_is_marked_as_the_strictest_part_of_the_event_that_may_go(part, tags):
    one = {"uuid": f"00000001-{EVENT[9:]}", "name": "any", "content": "-", "type": "domain", "value": "n1.example"}
    one |= {"Object": {"Attribute": [attribute(2)]}, "Galaxy": {"GalaxyCluster": [CLUSTER]}}.get(part, {}) | tags
    assert "[TLP:AMBER]" in said("email_message", event(Tag=[GREEN], **{part: [one]}), **MAIL)[1]


@pytest.mark.parametrize(("template", "marked"), [("", "GREEN"), ("-", "GREEN"), ("{{ attributes|length }}", "AMBER")])
def test_what_is_not_selected_marks_a_message_that_may_show_it(template, marked):
    rows = [attribute(1, Tag=[AMBER]), attribute(2)]
    _, detail = said("email_message", event(*rows, Tag=[GREEN]), rows[1:], **MAIL, message=template)
    assert f"[TLP:{marked}]" in detail


def test_the_name_of_something_else_is_no_marking():
    report = {"uuid": EVENT, "name": "TLP:AMBER explained", "content": "-", "Tag": [{"name": "tlp:clear"}]}
    assert "[TLP:GREEN]" in said("email_message", event(Tag=[GREEN], EventReport=[report]), **MAIL)[1]
