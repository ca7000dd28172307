"""What MISP's database holds after its own actions, as whoever reads anew was seen to get it from a running 2.5.1."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from misp_workflow.runner.data.asrows import stored_row
from misp_workflow.runner.data.coreformat import convert
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.walk import Run, run

NOW, BEFORE = "1796036384", "1796036381"
WORLD = World(misp=profile("2.5.1"), now=int(NOW))
GREEN = {
    **{"id": "8", "name": "tlp:green", "colour": "#fa4c22", "exportable": True, "user_id": "0", "hide_tag": False},
    **{"numerical_value": None, "is_galaxy": False, "is_custom_galaxy": False, "local_only": False},
    **{"local": False, "relationship_type": None},
}
FRANCE, GERMANY = ('misp-galaxy:country="france"', 'misp-galaxy:country="germany"')
CLUSTERS = [
    {"value": "france", "tag_name": FRANCE, "meta": {}},
    {"value": "germany", "tag_name": GERMANY, "meta": {}},
]
NEW = {
    **{"id": "48", "type": "md5", "category": "Payload delivery", "to_ids": True, "uuid": "u-48", "event_uuid": "u"},
    **{"event_id": "7", "old_id": "0", "comment": "p", "org_id": "1", "proposal_to_delete": False},
    **{"timestamp": "1796036382", "first_seen": None, "last_seen": None, "value": "02be", "Org": {"id": "1"}},
}
EDIT = {**NEW, "id": "49", "type": "ip-dst", "uuid": "u-1", "old_id": "1", "value": "203.0.113.77", "to_ids": False}
DELETE = {**NEW, "id": "50", "type": "text", "uuid": "u-2", "old_id": "2", "value": "t", "proposal_to_delete": True}
RELOAD = ("reload-full-event", {})
DECAY = ("attach-decay-score", {"decayingmodels": ["1"]})
ENRICH = ("enrich-event", {"modules": ["x"]})
LOCAL = {"scope": "event", "action": "add", "locality": "local", "relationship_type": ""}


def attribute(number: int, kind: str, value: str, **more: Any) -> dict[str, Any]:
    ids = {"id": str(number), "type": kind, "to_ids": False, "uuid": f"u-{number}", "event_id": "7"}
    fixed = {"timestamp": BEFORE, "comment": "c", "object_id": "0", "value": value, "Galaxy": [], "ShadowAttribute": []}
    return {**ids, **fixed, **more}


def event() -> dict[str, Any]:
    inside = attribute(3, "domain|ip", "d.example|192.0.2.1", object_id="9")
    return {
        "Event": {
            **{"id": "7", "threat_level_id": "4", "published": True, "attribute_count": "3", "timestamp": BEFORE},
            **{"distribution": "1", "proposal_email_lock": True, "event_creator_email": "a@example.org"},
            "Attribute": [
                attribute(1, "ip-dst", "203.0.113.9", Tag=[GREEN], ShadowAttribute=[EDIT], Opinion=[{"opinion": "50"}]),
                attribute(2, "text", "t", ShadowAttribute=[DELETE]),
            ],
            "ShadowAttribute": [NEW],
            "RelatedEvent": [{"Event": {"id": "6"}, "RelationshipInbound": []}],
            "Galaxy": [{"type": "country", "GalaxyCluster": CLUSTERS}],
            "Object": [{"id": "9", "timestamp": BEFORE, "Attribute": [inside], "Note": [{"note": "n"}]}],
            "Tag": [GREEN, {"id": "12", "name": FRANCE, "local": False}, {"id": "13", "name": GERMANY, "local": True}],
            "Note": [{"note": "n"}],
        }
    }


def ran(*nodes: tuple[Any, ...], trigger: str = "event-publish") -> Run:
    numbered = dict(enumerate(nodes, start=2))
    document = workflow("W", trigger, numbered, [(number - 1, number) for number in numbered])
    done = run(load(document), copy.deepcopy(event()), Scripted([]), world=WORLD)
    assert done.end == "success", done.crash
    return done


def left(*nodes: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = ran(*nodes).steps[-1].data_after["Event"]
    return found


def on(kind: str) -> dict[str, str]:
    return {"selector": "Event._AttributeFlattened.{n}", "path": "type", "operator": "equals", "value": kind}


def test_a_reload_reads_no_notes() -> None:
    found = left(RELOAD)
    assert "Note" not in found and "Note" not in found["Object"][0] and "Opinion" not in found["Attribute"][0]
    assert found["RelatedEvent"] == [{"Event": {"id": "6"}}]
    assert (found["published"], found["timestamp"]) == (True, BEFORE)


def test_a_reload_reads_nothing_deleted_but_reports_and_no_object_without_attributes() -> None:
    data = event()
    row, report = data["Event"], {"id": "4", "deleted": True}
    row["Attribute"][0]["deleted"], row["EventReport"], row["Tag"] = True, [report], []
    row["Object"] += [
        {"id": "10", "deleted": True, "Attribute": [attribute(4, "md5", "d4", deleted=True)]},
        {"id": "11", "Attribute": [attribute(5, "md5", "d5", deleted=True)]},
        {"id": "12", "Attribute": [attribute(6, "md5", "d6", deleted="1"), attribute(7, "md5", "d7")]},
    ]
    document = load(workflow("W", "event-publish", {2: DECAY, 3: RELOAD}, [(1, 2), (2, 3)]))
    done = run(document, data, Scripted([]), world=WORLD)
    scored, found = (step.data_after["Event"] for step in done.steps)
    assert [row["id"] for row in found["_AttributeFlattened"]] == ["2", "3", "7"]
    assert [one["id"] for one in found["Object"]] == ["9", "12"] and found["EventReport"] == [report]
    assert "Tag" not in found
    assert ["value1" in row for row in scored["_AttributeFlattened"]] == [False, True, True, False, False, False, True]


@pytest.mark.parametrize("locality", ["local", "global"])
def test_a_new_tag_stands_there_whole_and_its_event_is_to_be_published_anew(locality: str) -> None:
    found = left(("tag_operation", {**LOCAL, "locality": locality, "tags": ["colour-a", "tlp:green"]}), RELOAD)
    made = {**GREEN, "name": "colour-a", "colour": "#f50b45", "local": locality == "local"}
    del made["id"]
    assert found["Tag"][-1] == made and list(found["Tag"][-1])[-2:] == ["local", "relationship_type"]
    assert found["Tag"][0] == GREEN and len(found["Tag"]) == 4
    assert (found["published"], found["timestamp"]) == (False, NOW)


def test_a_tag_seen_elsewhere_is_that_tag_and_the_colours_are_misps() -> None:
    tag = ("tag_operation", {**LOCAL, "scope": "attribute", "tags": ["tlp:green", "Émile", GERMANY]}, on("text"))
    tags = left(tag, RELOAD)["Attribute"][1]["Tag"]
    assert tags[0] == {**GREEN, "local": True}
    assert (tags[1]["colour"], tags[2]["id"]) == ("#9a86db", "13")
    assert left(("tag_operation", {**LOCAL, "tags": ['misp-galaxy:country="austria"']}), RELOAD)["Tag"][-1]["is_galaxy"]


def test_a_tag_that_is_there_touches_nothing() -> None:
    for kind in ("", "derived-from"):
        asked = {**LOCAL, "tags": ["tlp:green"], "relationship_type": kind}
        found = left(("tag_operation", asked), ("tag_operation", {**asked, "scope": "attribute"}, on("ip-dst")), RELOAD)
        assert (found["published"], found["timestamp"], found["Attribute"][0]["timestamp"]) == (True, BEFORE, BEFORE)
        assert found["Tag"][0]["relationship_type"] == (kind or None)


def test_a_cluster_goes_with_its_tag() -> None:
    gone = ("tag_operation", {**LOCAL, "action": "remove", "locality": "any", "tags": [FRANCE]})
    found = left(gone, RELOAD)
    assert found["Galaxy"] == [{"type": "country", "GalaxyCluster": CLUSTERS[1:]}]
    assert (found["published"], found["timestamp"]) == (False, NOW)
    assert left(("tag_operation", {**gone[1], "tags": [FRANCE, GERMANY]}), RELOAD)["Galaxy"] == []


@pytest.mark.parametrize("action", ["add", "remove"])
def test_a_tag_of_an_attribute_touches_it_its_object_and_the_event(action: str) -> None:
    added = ("tag_operation", {**LOCAL, "scope": "attribute", "tags": ["x"]}, on("domain|ip"))
    nodes = [added, ("tag_operation", {**added[1], "action": action, "locality": "any"}, added[2])]
    found = left(*nodes[: 1 if action == "add" else 2], RELOAD)
    assert (found["published"], found["timestamp"]) == (False, NOW)
    assert found["Object"][0]["timestamp"] == found["Object"][0]["Attribute"][0]["timestamp"] == NOW
    assert [row["timestamp"] for row in found["Attribute"]] == [BEFORE] * 2


def test_an_edit_touches_the_attribute_alone() -> None:
    found = left(("attribute_ids_flag_operation", {"action": "add"}), RELOAD)
    assert {row["timestamp"] for row in found["_AttributeFlattened"]} == {NOW}
    assert (found["published"], found["timestamp"], found["Object"][0]["timestamp"]) == (True, BEFORE, BEFORE)


@pytest.mark.parametrize(("freeze", "then"), [("modify", (False, NOW)), ("freeze", (True, BEFORE))])
def test_a_distribution_touches_the_event_or_not(freeze: str, then: tuple[bool, str]) -> None:
    found = left(("Module_event_distribution_operation", {"distribution": "2", "freeze": freeze}), RELOAD)
    assert (found["published"], found["timestamp"]) == then


# --- proposals -------------------------------------------------------------------------------------------------------


def decided(kind: Any, action: str = "accept", *more: Any) -> dict[str, Any]:
    return left(("proposal-action", {"action": action, "proposal_type": kind}, *more))


def test_an_accepted_proposal_of_a_new_attribute_is_one() -> None:
    found = decided("new")
    assert found["ShadowAttribute"] == [] and found["Attribute"][0]["ShadowAttribute"] == [EDIT]
    new = found["_AttributeFlattened"][2]
    assert {key: new[key] for key in ("type", "value", "uuid", "comment", "timestamp", "distribution")} == {
        **{"type": "md5", "value": "02be", "uuid": "u-48", "comment": "p", "timestamp": "1796036382"},
        "distribution": "5",
    }
    assert [tag["name"] for tag in new["_allTags"]] == ["tlp:green", FRANCE, GERMANY]
    assert (found["attribute_count"], found["proposal_email_lock"]) == ("4", False)
    assert (found["published"], found["timestamp"]) == (False, NOW)


def test_accepted_edits_and_deletions_are_done() -> None:
    found = decided("edit")
    assert [row["id"] for row in found["_AttributeFlattened"]] == ["1", "3"]
    row = found["Attribute"][0]
    assert (row["value"], row["to_ids"], row["comment"], row["timestamp"]) == ("203.0.113.77", False, "p", NOW)
    assert row["ShadowAttribute"] == [] and row["Tag"] == [GREEN] and row["id"] == "1"
    assert (found["attribute_count"], found["ShadowAttribute"]) == ("2", [NEW])
    assert len(decided("any")["_AttributeFlattened"]) == 3 and decided("any")["attribute_count"] == "3"


@pytest.mark.parametrize("action", ["remove", "bogus"])
def test_discarded_proposals_are_gone_and_touch_nothing_else(action: str) -> None:
    found = decided("any", action)
    assert [row["ShadowAttribute"] for row in found["_AttributeFlattened"]] == [[]] * 3
    assert (found["ShadowAttribute"], found["proposal_email_lock"], found["attribute_count"]) == ([], False, "3")
    assert (found["published"], found["timestamp"], found["Attribute"][0]["value"]) == (True, BEFORE, "203.0.113.9")


def test_without_a_proposal_of_the_kind_the_data_stays() -> None:
    asked = {"action": "accept", "proposal_type": "any"}
    assert ran(("proposal-action", {})).steps[-1].changed is False
    assert ran(("proposal-action", {**asked, "proposal_type": "bogus"})).steps[-1].changed is False
    assert ran(("proposal-action", asked, on("text"))).steps[-1].changed is False


def test_an_accepted_proposal_lifts_the_filters_and_heeds_what_they_hid() -> None:
    narrow = {"filtering-label": "A", "selector": "Event._AttributeFlattened.{n}", "hash_path": "type"}
    done = ran(
        ("generic-filter-data", {**narrow, "operator": "in", "value": "text"}),
        ("proposal-action", {"action": "accept", "proposal_type": "any"}),
    )
    assert done.steps[-1].data_after.keys() == {"Event"}
    found = done.steps[-1].data_after["Event"]
    assert [row["type"] for row in found["_AttributeFlattened"]] == ["ip-dst", "md5", "domain|ip"]
    assert found["Attribute"][0]["ShadowAttribute"] == [EDIT]


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "row"),
    [
        (("attribute_ids_flag_operation", {"action": "add"}), {"to_ids": True, "timestamp": NOW}),
        (("Module_attribute_comment_operation", {"comment": "0"}), {"comment": "", "timestamp": NOW}),
        (("tag_operation", {**LOCAL, "scope": "attribute", "tags": ["y"]}), {"timestamp": NOW}),
        (("attach-warninglist", {"warninglists": ["ALL"]}), {"timestamp": BEFORE, "comment": "c"}),
    ],
)
def test_a_decay_score_brings_the_row_as_it_is_stored_by_now(node: tuple[Any, ...], row: dict[str, Any]) -> None:
    found = left(node, DECAY)["_AttributeFlattened"]
    assert all({key: one[key] for key in row} == row for one in found)
    assert [(one["value1"], one["value2"]) for one in found] == [
        ("203.0.113.9", ""),
        ("t", ""),
        ("d.example", "192.0.2.1"),
    ]
    assert list(found[0]) == [
        *("id", "event_id", "object_id", "type", "value1", "value2", "to_ids", "uuid", "timestamp", "comment", "value"),
    ]


def test_enrich_event_leaves_the_row_as_the_models_hand_it_over() -> None:
    row = ran(("tag_operation", {**LOCAL, "tags": ["zzz"]}), ENRICH).steps[-1].data_after
    assert list(row) == [
        *("Event", "ThreatLevel", "Attribute", "ShadowAttribute", "Object", "EventTag", "Galaxy", "User"),
        *("RelatedEvent", "Sighting"),
    ]
    assert (row["ThreatLevel"], row["User"]) == ({"name": "Undefined", "id": "4"}, {"email": "a@example.org"})
    assert list(row["Attribute"][1])[-3:] == ["AttributeTag", "Galaxy", "ShadowAttribute"]
    link = row["EventTag"][0]
    assert (link["tag_id"], link["relationship_type"], link["Tag"]["org_id"]) == ("8", "", "0")
    assert (row["EventTag"][-1]["Tag"]["name"], row["Event"]["timestamp"]) == ("zzz", NOW)


def test_a_row_of_an_event_is_that_event_again() -> None:
    plain = convert({"Event": left(RELOAD)})
    again = convert(stored_row(plain), "event")["Event"]
    assert {key: again[key] for key in plain["Event"]} == plain["Event"]


def test_warninglists_write_back_what_they_looked_at() -> None:
    """Also an attribute on no list: that of an object which a filter hides lands under no name."""
    hidden = {"filtering-label": "A", "selector": "Event.Object.{n}.Attribute.{n}", "hash_path": "type"}
    done = ran(
        ("generic-filter-data", {**hidden, "operator": "in", "value": "nothing"}),
        ("attach-warninglist", {"warninglists": ["ALL"]}),
    )
    assert done.steps[-1].data_after["Event"]["Attribute"][""]["type"] == "domain|ip"


def test_a_filter_that_is_misps_death_is_so_before_a_template_is_rendered() -> None:
    module = {
        "name": "probe",
        "type": "action",
        "meta": {
            "module-type": ["action"],
            "config": {"params": {"text": {"type": "string", "jinja_supported": True}}, "support_filters": True},
        },
    }
    deadly = {"selector": "Event", "path": "{n}", "operator": "in_or", "value": "0"}
    server = Scripted([module], {"jinja_template_rendering": [{"type": "ok", "body": {}}]})
    document = workflow("W", "event-publish", {2: ("probe", {"text": "{{ Event.id }}"}, deadly)}, [(1, 2)])
    done = run(load(document), event(), server, world=WORLD)
    assert (done.end, done.exchanges) == ("crash", [])
