"""MISP's own actions: what they leave in the data, and what they would have done outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import coreformat
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk.single import SingleRun, execute

EVENT = {
    "Event": {
        "id": "7",
        "info": "Phishing",
        "Tag": [{"name": "TLP:RED"}, {"name": "pap=amber"}, {"name": "other"}],
        "Attribute": [
            {"id": "1", "event_id": "7", "type": "ip-src", "value": "198.51.100.1", "to_ids": True, "timestamp": "1"},
            {"id": "2", "event_id": "7", "type": "domain", "value": "www.a.example", "to_ids": False, "timestamp": "2"},
        ],
        "Object": [
            {
                "name": "file",
                "Attribute": [{"id": "3", "event_id": "7", "type": "md5", "value": "d4", "timestamp": "3"}],
            },
            {"name": "url", "Attribute": [{"id": "4", "event_id": "7", "type": "url", "value": "u", "timestamp": "4"}]},
        ],
    }
}
ONLY_MD5 = {"selector": "Event._AttributeFlattened.{n}", "path": "type", "operator": "equals", "value": "md5"}
NONE = {**ONLY_MD5, "value": "nothing"}
LOOKUP = {
    "name": "lookup",
    "mispattributes": {"input": ["ip-src", "md5"], "format": "misp_standard"},
    "meta": {"config": ["api_key"]},
}


def act(module: str, answers: list[dict[str, Any]] | None = None, **options: Any) -> SingleRun:
    options.setdefault("params", {})
    options.setdefault("world", World(misp=profile("2.5.1")))
    script = {"lookup": answers, "http": answers} if answers else {}
    return execute(module, EVENT, server=Scripted([], script), **options)


def effects(done: SingleRun) -> list[tuple[str, Any]]:
    return [(effect.name, effect.detail) for effect in done.record.effects]


def flags(done: SingleRun) -> dict[str, Any]:
    return {attribute["id"]: attribute.get("to_ids") for attribute in done.roaming.raw["Event"]["_AttributeFlattened"]}


def test_the_ids_flag_changes_wherever_the_attribute_is() -> None:
    done = act("attribute_ids_flag_operation", params={"action": "add"}, filters=ONLY_MD5)
    event = done.roaming.raw["Event"]
    assert done.success and flags(done) == {"1": True, "2": False, "3": True, "4": None}
    assert event["Object"][0]["Attribute"][0]["to_ids"] is True
    assert "timestamp" not in event["Object"][0]["Attribute"][0] and "timestamp" in event["Attribute"][0]
    assert event["Object"][1]["Attribute"][0] is event["_AttributeFlattened"][3]
    assert [name for name, _ in effects(done)] == ["Attribute.editAttribute", "Attribute.editAttributeBulk"]


def test_nothing_selected_is_a_failure_without_error() -> None:
    for module in ("attribute_ids_flag_operation", "Module_attribute_comment_operation"):
        done = act(module, filters=NONE)
        assert (done.success, done.errors) == (False, [])
        assert [effect.name for effect in done.record.effects] == ["Attribute.editAttributeBulk"]
    assert not act("tag_operation", params={"scope": "attribute", "tags": ["a"]}, filters=NONE).success


@pytest.mark.parametrize(("misp", "comment"), [("2.5.1", "Phishing: "), ("2.5.50", "Phishing: d4")])
def test_a_comment_is_a_template_that_may_see_its_attribute(misp: str, comment: str) -> None:
    done = act(
        "Module_attribute_comment_operation",
        params={"comment": "{{ Event.info }}: {% if __currentAttribute %}{{ __currentAttribute.value }}{% endif %}"},
        filters=ONLY_MD5,
        world=World(misp=profile(misp)),
    )
    assert done.roaming.raw["Event"]["_AttributeFlattened"][2]["comment"] == comment


def test_the_base_of_the_edits_edits_nothing() -> None:
    done = act("attribute_edition_operation", filters=NONE)
    assert (done.success, done.record.effects) == (True, [])


@pytest.mark.parametrize("selector", ["Event.Tag.{n}", "Event.Object.{n}"])
def test_what_is_no_attribute_is_not_edited(selector: str) -> None:
    filters = {"selector": selector, "value": "", "operator": "any_value", "path": "name"}
    assert not act("attribute_ids_flag_operation", params={"action": "add"}, filters=filters).success


@pytest.mark.parametrize("selector", ["Event.Tag.{n}", "Event.Object.{n}", ""])
def test_what_is_no_attribute_is_not_tagged(selector: str) -> None:
    filters = {"selector": selector, "value": "", "operator": "any_value", "path": ""}
    with pytest.raises(PhpCrash, match=r"Attribute not found\."):
        act("tag_operation", params={"scope": "attribute", "tags": ["x"], "action": "add"}, filters=filters)


def test_tags_show_in_the_effects_only() -> None:
    done = act("tag_operation", params={"tags": ["a", "b"], "locality": "global", "relationship_type": "r"})
    options = {"tags": ["a", "b"], "local": False, "relationship_type": "r"}
    assert effects(done) == [("Event.attachTagsToEventAndTouch", ["7", options])]
    assert done.roaming.raw["Event"]["Tag"] == EVENT["Event"]["Tag"]


@pytest.mark.parametrize(("locality", "local"), [("local", [1]), ("global", [0]), ("any", [0, 1])])
def test_tags_are_taken_off(locality: str, local: list[int]) -> None:
    params = {"action": "remove", "scope": "attribute", "tags": ["a"], "locality": locality}
    done = act("tag_operation", params=params, filters=ONLY_MD5)
    assert effects(done) == [("Attribute.detachTagsFromAttributeAndTouch", ["3", "7", {"tags": ["a"], "local": local}])]


def test_a_change_that_misp_refuses() -> None:
    world = World(model_returns={"Event.attachTagsToEventAndTouch": False})
    assert not act("tag_operation", params={"tags": ["a"]}, world=world).success


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [("tag_replacement_tlp", "TLP:RED", "tlp:red"), ("tag_replacement_pap", "pap=amber", "PAP:amber")],
)
def test_tags_in_another_spelling(module: str, old: str, new: str) -> None:
    done = act(module, params={"scope": "event", "remove_substituted": "yes"})
    (added,) = effects(done)  # the old one, which is not local, stays whatever is asked for
    assert added[0] == "Event.attachTagsToEventAndTouch" and added[1][1]["tags"][0].lower() == new.lower()
    assert old in [tag["name"] for tag in EVENT["Event"]["Tag"]]


def test_an_attribute_without_tags_crashes_the_replacement() -> None:
    with pytest.raises(PhpCrash, match=r"Hash::extract"):
        act("tag_replacement_tlp", params={"scope": "attribute"})


def _enriched(answers: list[dict[str, Any]]) -> SingleRun:
    world = World(enrichment_modules=[LOOKUP])
    return act("attach-enrichment", answers, params={"modules": ["", "lookup"]}, world=world)


def test_enrichment_asks_for_the_types_that_the_module_takes() -> None:
    results = {"Object": [{"name": "geolocation"}]}
    done = _enriched([{"type": "ok", "body": {"results": results}}])
    asked = [json.loads(exchange.body()) for exchange in done.record.exchanges]
    assert [list(body) for body in asked] == [["user", "event_id", "config", "module", "attribute"]] * 2
    assert [body["attribute"]["id"] for body in asked] == ["1", "3"] and asked[0]["config"] == {"api_key": None}
    event = done.roaming.raw["Event"]
    assert [attribute.get("enrichment") for attribute in event["_AttributeFlattened"]] == [
        [results],
        None,
        [results],
        None,
    ]
    assert event["Object"][0]["Attribute"][0]["enrichment"] == [results]


def test_enrichment_names_the_value_by_its_type_to_a_module_of_the_first_format() -> None:
    first = {**LOOKUP, "mispattributes": {"input": ["md5"]}}
    answers = [{"type": "ok", "body": {"results": []}}]
    done = act("attach-enrichment", answers, params={"modules": ["lookup"]}, world=World(enrichment_modules=[first]))
    (asked,) = [json.loads(exchange.body()) for exchange in done.record.exchanges]
    assert list(asked) == ["user", "event_id", "config", "module", "md5"] and asked["md5"] == "d4"


def test_enrichment_by_a_module_that_is_not_served_crashes() -> None:
    with pytest.raises(PhpCrash, match="getModuleOptions"):
        act("attach-enrichment", params={"modules": ["gone"]}, world=World(enrichment_modules=[LOOKUP]))


def test_enrichment_with_an_error_attaches_nothing_and_with_none_crashes() -> None:
    done = _enriched([{"type": "ok", "body": {"error": "quota"}}])
    assert done.success and "enrichment" not in json.dumps(done.roaming.raw)
    for answer in ({"type": "timeout"}, {"type": "raw", "body": "<html>"}, {"type": "ok", "body": {"data": 1}}):
        with pytest.raises(PhpCrash):
            _enriched([answer])


@pytest.mark.parametrize(
    ("kind", "entry", "ids"),
    [
        ("cidr", "198.51.100.0/24", ["1"]),
        ("string", "D4", ["3"]),
        ("hostname", "a.example", []),
        ("substring", "8.51.100.", ["1"]),
        ("cidr", "not a network", []),
        ("regex", "/^D4/i", ["3"]),
        ("regex", "/^www/g", []),
    ],
)
def test_warninglists_of_the_world(kind: str, entry: str, ids: list[str]) -> None:
    row = {
        "Warninglist": {"id": 5, "name": "L", "type": kind},
        "WarninglistEntry": [{"value": "zzz"}, {"value": entry}],
    }
    done = act("attach-warninglist", params={"warninglists": "ALL"}, world=World(warninglists=[row]))
    found = {a["id"]: a["warnings"] for a in done.roaming.raw["Event"]["_AttributeFlattened"] if "warnings" in a}
    assert list(found) == ids
    values = {a["id"]: a["value"] for a in done.roaming.raw["Event"]["_AttributeFlattened"]}
    for warned, warnings in found.items():
        assert warnings == [
            {
                "match": entry,
                "value": values[warned],
                "warninglist_id": 5,
                "warninglist_name": "L",
                "warninglist_category": "false_positive",
            }
        ]
    named = [{"id": 5, "name": "L", "category": "false_positive"}]
    assert done.roaming.raw["Event"]["warnings"] == (named if ids else [])


def test_no_list_and_no_module_chosen_are_errors() -> None:
    assert act("attach-warninglist", params={"warninglists": []}).errors == ["No warninglist module selected"]
    assert act("attach-enrichment", params={"modules": []}).errors == ["No enrichmnent module selected"]


def test_a_country_becomes_a_cluster() -> None:
    done = act("assign_country", params={"scope": "attribute", "hash_path": "value"})
    assert ['misp-galaxy:country="d4"'] in [detail[2]["tags"] for _, detail in effects(done)]
    assert not act("assign_country", params={"scope": "attribute", "hash_path": "value"}, filters=ONLY_MD5).success
    assert not act("assign_country", params={"scope": "attribute", "hash_path": "nothing"}).success


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({"payload": '{"i":"{{ Event.info }}"}'}, '{"i":"Phishing"}'),
        ({"payload": "plain"}, '"plain"'),
        ({"payload": "42"}, "42"),
        ({"payload": "a=b", "content_type": "form"}, "a=b"),
        ({"payload": "0"}, ""),
        ({"payload": "0.0"}, ""),
        ({"payload": "0", "content_type": "form"}, ""),
        ({"payload": "0", "content_type": "xml"}, '"0"'),
        ({"payload": "[1]", "content_type": "xml"}, '"[1]"'),
        ({"payload": "[1]", "request_method": "get"}, ""),
    ],
)
def test_a_webhook_is_noted_and_not_sent(params: dict[str, str], sent: str) -> None:
    done = act("webhook", params={"url": "http://receiver.example/", "headers": "X-A: 1\nodd\nB:c:d", **params})
    ((name, request),) = effects(done)
    assert (done.success, done.why) == (True, "nobody sent it")
    method = params.get("request_method", "post").upper()
    assert name == f"{method} http://receiver.example/" and request["data"] == sent
    assert (request["headers"]["X-A"], request["headers"]["B"]) == ("1", "c:d") and "odd" not in request["headers"]


def test_webhooks_that_fail() -> None:
    assert act("webhook").errors == ["URL not provided."]
    off = act("webhook", params={"url": "http://x/"}, world=World(arbitrary_urls=False))
    assert off.errors == ["`Security.rest_client_enable_arbitrary_urls` is turned off"]
    failed = act("webhook", [{"type": "raw", "code": 500, "body": "oops"}], params={"url": "http://x/"})
    assert failed.errors[0].endswith("Body returned: oops")
    with pytest.raises(PhpCrash):
        act("webhook", params={"url": "http://x/", "request_method": "patch"})


def test_zmq_gets_what_the_path_finds() -> None:
    done = act("push-zmq", params={"data_extraction_path": "Event.Tag.{n}.name"})
    assert effects(done) == [("misp_json_workflow", ["TLP:RED", "pap=amber", "other"])]


def test_reload_takes_the_row_of_the_world_or_the_start() -> None:
    rows = {"events": {"7": {"Event": {"id": "7", "info": "From the database"}, "Attribute": []}}}
    assert act("reload-full-event", world=World(rows=rows)).roaming.raw["Event"]["info"] == "From the database"
    assert act("reload-full-event").roaming.raw["Event"]["info"] == "Phishing"


def test_behind_enrich_event_stands_the_row() -> None:
    """So that what looks for the event's tags or attributes finds none, as in MISP, until the event is reloaded."""
    core = coreformat.convert(EVENT)
    done = execute("enrich-event", core, {"modules": "lookup"}, Scripted([]), world=World(misp=profile("2.5.1")))
    row = done.roaming.raw
    assert row["Event"] == {"id": "7", "info": "Phishing"}
    assert [one["Tag"]["name"] for one in row["EventTag"]] == ["TLP:RED", "pap=amber", "other"]
    assert [one["value"] for one in row["Attribute"]] == ["198.51.100.1", "www.a.example"]
    again = coreformat.convert(row, "event")["Event"]["_AttributeFlattened"]
    assert [one["value"] for one in again] == [one["value"] for one in core["Event"]["_AttributeFlattened"]]


def test_a_distribution_shows_in_the_data_and_after_a_reload() -> None:
    done = act("Module_event_distribution_operation", params={"distribution": "3"})
    assert done.roaming.raw["Event"]["distribution"] == "3"
    assert effects(done)[0][1][0] == "7"


@pytest.mark.parametrize(("group", "said"), [([], "cannot be null"), (["1"], "'Array'"), ("x", "integer value: 'x'")])
def test_the_database_refuses_what_is_no_sharing_group(group: Any, said: str) -> None:
    with pytest.raises(PhpCrash, match=said):
        act("Module_event_distribution_operation", params={"distribution": "4", "sharing_group_id": group})


@pytest.mark.parametrize(
    ("module", "params", "said"),
    [
        ("send-mail", {"recipients": [], "mail_template_subject": ""}, "No recipient set."),
        ("send-mail", {"mail_template_subject": "{{ nothing }}"}, "The mail template is empty."),
        ("send-log-mail", {}, "The mail template is empty."),
        ("attach-decay-score", {}, "No decaying model selected"),
        ("add_to_warninglist", {"warninglist": []}, "No warninglist selected"),
        ("ms-teams-webhook", {"url": ""}, "URL not provided."),
        ("splunk-hec-export", {"url": ""}, "URL not provided."),
        ("splunk-hec-export", {"url": "http://127.0.0.1:1/"}, "Authorization token not provided."),
    ],
)
def test_what_lacks_what_it_needs_fails_as_in_misp(module: str, params: dict[str, Any], said: str) -> None:
    done = act(module, params=params)
    assert (done.success, done.errors, done.record.effects) == (False, [said], [])


@pytest.mark.parametrize(
    ("module", "params"),
    [
        ("send-mail", {"recipients": "All admins", "mail_template_subject": "s"}),
        ("add_to_warninglist", {"warninglist": ["6"]}),
        ("add_to_warninglist", {"warninglist": "By name"}),
    ],
)
def test_choices_of_another_form_are_php_s_death(module: str, params: dict[str, Any]) -> None:
    with pytest.raises(PhpCrash) as crash:
        act(module, params=params)
    assert crash.value.kind == "TypeError"


def test_a_decay_score_takes_the_tags_off_the_attributes() -> None:
    tagged = coreformat.convert({"Event": {**EVENT["Event"], "Attribute": [{"id": "1", "event_id": "7", "type": "ip-src|port",
        "value": "198.51.100.1|80", "Tag": [{"name": "a"}]}]}})  # fmt: skip
    done = execute("attach-decay-score", tagged, {"decayingmodels": ["1"]}, Scripted([]), convert=False)
    row = done.roaming.raw["Event"]["_AttributeFlattened"][0]
    assert (row["value1"], row["value2"]) == ("198.51.100.1", "80")
    assert not row.keys() & {"Tag", "_allTags"}


def test_what_is_only_noted() -> None:
    done = act("send-mail", params={"mail_template_subject": "{{ Event.info }}"})
    assert done.success
    assert effects(done)[0][1]["params"]["mail_template_subject"] == "Phishing"
    assert effects(act("publish-event")) == [("Event.publish", ["7"])]


def test_an_unknown_module_is_told_with_the_nearest_and_how_to_find_one() -> None:
    with pytest.raises(InputError, match=r"no module 'push-zmk'; the nearest name is “push-zmq”.*actions WORD"):
        act("push-zmk")


@pytest.mark.parametrize("nothing", ["", "0", 0, None, False])
def test_a_module_executed_on_nothing_has_the_empty_event(nothing: Any) -> None:
    assert execute("published-if", nothing, {}, Scripted([])).roaming.raw == {"Event": {"_AttributeFlattened": []}}


@pytest.mark.parametrize("params", ["x", 1, None])
def test_parameters_that_are_no_array_kill_php(params: Any) -> None:
    with pytest.raises(PhpCrash):
        execute("published-if", {"Event": {"id": "7"}}, params, Scripted([]))
