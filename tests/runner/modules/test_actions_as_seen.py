"""What MISP's own actions leave in its database, rule by rule, as seen on a running MISP 2.5.1."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.said.check import UPGRADE, check
from misp_workflow.runner.walk.single import SingleRun, execute
from misp_workflow.runner.walk.walk import Run, run

OLD = World(misp=profile("2.5.1"))
RELOAD = ("reload-full-event", {})
OF_IP = {"selector": "Event._AttributeFlattened.{n}", "path": "type", "operator": "equals", "value": "ip-dst"}
FRANCE = 'misp-galaxy:country="france"'


def event(*tags: dict[str, Any], attributes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    row = {"id": "1", "event_id": "7", "type": "ip-dst", "value": "198.51.100.7", "to_ids": True, "Tag": list(tags)}
    rows = [row] if attributes is None else [{**row, "id": str(n), **one} for n, one in enumerate(attributes, 1)]
    return {"Event": {"id": "7", "distribution": "0", "published": False, "Tag": list(tags), "Attribute": rows}}


def ran(*nodes: tuple[Any, ...], data: Any, trigger: str = "event-publish", world: World = OLD) -> Run:
    numbered = dict(enumerate(nodes, start=2))
    return run(
        load(workflow("W", trigger, numbered, [(number - 1, number) for number in numbered])),
        copy.deepcopy(data),
        Scripted([]),
        world=world,
    )


def left(*nodes: tuple[Any, ...], data: Any, world: World = OLD) -> dict[str, Any]:
    """The event as MISP's database has it after these nodes."""
    done = ran(*nodes, RELOAD, data=data, world=world)
    assert done.end == "success", done.crash
    found: dict[str, Any] = done.steps[-1].data_after["Event"]
    return found


def tags(tagged: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(tag["name"], tag["local"], tag.get("relationship_type")) for tag in tagged.get("Tag", [])]


def tag(name: str, local: bool = False) -> dict[str, Any]:
    return {"name": name, "local": local, "relationship_type": None}


@pytest.mark.parametrize("scope", ["event", "attribute"])
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("locality", ["local", "global"])
def test_a_tag_that_is_there_keeps_its_locality_and_gets_the_relationship(
    scope: str, local: bool, locality: str
) -> None:
    asked = {"scope": scope, "tags": ["q"], "locality": locality}
    for kind, then in (("derived-from", "derived-from"), ("", None)):
        after = left(("tag_operation", {**asked, "relationship_type": kind}), data=event(tag("q", local)))
        assert tags(after if scope == "event" else after["Attribute"][0]) == [("q", local, then)]


@pytest.mark.parametrize(("asked", "found"), [("Q", True), ("q ", True), (" q", False), ("qq", False)])
def test_capitals_and_spaces_at_the_end_make_no_other_tag(asked: str, found: bool) -> None:
    known = World(misp=OLD.misp, known_tags=frozenset({" q", "qq", "elsewhere"}))
    remove = {"action": "remove", "locality": "any", "tags": [asked]}
    for scope in ("event", "attribute"):
        after = left(("tag_operation", {**remove, "scope": scope}), data=event(tag("q")), world=known)
        assert bool(tags(after if scope == "event" else after["Attribute"][0])) is not found
    added = left(("tag_operation", {"tags": ["Elsewhere", "New", asked]}), data=event(tag("q")), world=known)
    assert [name for name, *_ in tags(added)] == ["q", "elsewhere", "New", *([] if found else [asked])]


def test_without_its_last_tag_nothing_is_tagged() -> None:
    remove = {"action": "remove", "locality": "any", "tags": ["q"]}
    after = left(
        *(("tag_operation", {**remove, "scope": scope}) for scope in ("event", "attribute")), data=event(tag("q"))
    )
    assert "Tag" not in after and "Tag" not in after["Attribute"][0]


@pytest.mark.parametrize("scope", ["event", "attribute"])
@pytest.mark.parametrize(
    ("name", "local", "removing", "locality", "expected"),
    [
        ("tlp-white", True, "yes", "global", [("tlp:white", False)]),
        ("tlp-white", True, "1", "local", [("tlp-white", True), ("tlp:white", True)]),
        ("tlp-white", True, "no", "global", [("tlp-white", True), ("tlp:white", False)]),
        ("tlp-white", False, "yes", "local", [("tlp-white", False), ("tlp:white", True)]),
        ("tlp:white", True, "yes", "global", [("tlp:white", False)]),
        ("tlp:white", False, "yes", "local", [("tlp:white", False)]),
        ("TLP:WHITE", False, "yes", "local", [("TLP:WHITE", False)]),
    ],
)
def test_of_replaced_tags_the_local_ones_go(
    scope: str, name: str, local: bool, removing: str, locality: str, expected: list[Any]
) -> None:
    asked = {"scope": scope, "remove_substituted": removing, "locality": locality, "relationship_type": ""}
    after = left(("tag_replacement_tlp", asked), data=event(tag(name, local)))
    assert [row[:2] for row in tags(after if scope == "event" else after["Attribute"][0])] == expected


def test_a_comment_of_a_lone_0_is_none() -> None:
    done = ran(("Module_attribute_comment_operation", {"comment": "0"}), RELOAD, data=event())
    in_hand, saved = (step.data_after["Event"]["Attribute"][0]["comment"] for step in done.steps)
    assert (in_hand, saved) == ("0", "")


def test_what_is_published_shows_when_read_anew() -> None:
    done = ran(("publish-event", {}), RELOAD, data=event(), trigger="event-after-save-new")
    assert done.steps[-1].data_after["Event"]["published"] is True


@pytest.mark.parametrize("attributes", [[], [{}]])
def test_an_event_without_attributes_is_not_distributed(attributes: list[Any]) -> None:
    node = ("Module_event_distribution_operation", {"distribution": "3", "freeze": "freeze"})
    assert left(node, data=event(attributes=attributes))["distribution"] == ("3" if attributes else "0")


def test_a_default_is_no_template() -> None:
    down = World(misp=OLD.misp, disabled_services=frozenset({"Enrichment"}))
    assert ran(("stop-execution", {}), data=event(), world=down).end == "blocked"
    assert ran(("stop-execution", {"message": "no"}), data=event(), world=down).end == "crash"


# --- countries -------------------------------------------------------------------------------------------------------

COUNTRIES = World(misp=OLD.misp, countries=frozenset({"france", "germany"}))


def country(params: dict[str, Any], *comments: Any, **options: Any) -> SingleRun:
    data = event(attributes=[{"comment": comment} for comment in comments])
    asked = {"hash_path": "comment", "locality": "local", "relationship_type": "", **params}
    return execute("assign_country", data, asked, Scripted([]), world=COUNTRIES, **options)


def attached(done: SingleRun) -> list[Any]:
    return [(effect.name.split(".")[0], effect.detail[0], effect.detail[-1]["tags"]) for effect in done.record.effects]


@pytest.mark.parametrize("path", ["comment", "{n}.comment"])
def test_the_event_gets_the_countries_of_its_attributes(path: str) -> None:
    done = country({"scope": "event", "hash_path": path}, "Xland", "FRANCE", "Germany", "france")
    assert done.success and attached(done) == [("Event", "7", [FRANCE, 'misp-galaxy:country="germany"'])]
    assert not country({"scope": "event", "hash_path": "Event._AttributeFlattened.{n}.comment"}, "France").success


@pytest.mark.parametrize(("comments", "success"), [(["Xland", "France"], True), (["France", "Xland"], False)])
def test_the_last_attribute_decides(comments: list[str], success: bool) -> None:
    done = country({"scope": "attribute", "galaxy_name": "sector"}, *comments)
    assert done.success is success
    assert attached(done) == [("Attribute", str(comments.index("France") + 1), [FRANCE])]


def test_no_country_under_a_filter_and_death_by_an_array() -> None:
    for scope in ("event", "attribute"):
        done = country({"scope": scope}, "France", filters=OF_IP)
        assert not done.success and attached(done) == []
        with pytest.raises(PhpCrash, match=r"strtolower"):
            country({"scope": scope, "hash_path": "{s}"}, "France")


# --- warninglists ----------------------------------------------------------------------------------------------------


def on_lists(row: dict[str, Any], *types: str, entry: str = "198.51.100.0/24", kind: str = "cidr") -> list[Any]:
    listed = {
        "Warninglist": {"id": 5, "name": "L", "type": kind},
        "WarninglistEntry": [{"value": entry}],
        "WarninglistType": [{"type": one} for one in types],
    }
    world = World(misp=OLD.misp, warninglists=[listed])
    data = event(attributes=[row])
    done = execute("attach-warninglist", data, {"warninglists": "ALL"}, Scripted([]), world=world)
    return [one["value"] for one in done.roaming.raw["Event"]["Attribute"][0].get("warnings", [])]


def test_a_list_is_asked_about_attributes_for_detection_of_its_types() -> None:
    assert on_lists({}) == on_lists({}, "ALL") == on_lists({}, "ip-src", "ip-dst") == ["198.51.100.7"]
    assert on_lists({}, "ip-src") == on_lists({"to_ids": False}) == on_lists({"to_ids": "0"}, "ip-dst") == []


def test_hosts_below_a_name_stand_on_its_list() -> None:
    for value, kind in (("www.a.example", "domain"), ("https://www.a.example/x", "url")):
        assert on_lists({"type": kind, "value": value}, entry="a.example", kind="hostname") == [value]


def test_a_part_of_a_value_can_stand_on_a_list() -> None:
    assert on_lists({"type": "ip-dst|port", "value": "198.51.100.8|443"}, "ip-dst|port") == ["198.51.100.8"]


@pytest.mark.parametrize(("number", "dies"), [("5", True), ("6", False), ("7", True)])
def test_only_a_list_of_ones_own_takes_entries(number: str, dies: bool) -> None:
    lists = [{"Warninglist": {"id": "5", "default": True}}, {"Warninglist": {"id": "6", "default": False}}]
    world = World(misp=OLD.misp, warninglists=lists)
    assert (ran(("add_to_warninglist", {"warninglist": number}), data=event(), world=world).end == "crash") is dies
    assert ran(("add_to_warninglist", {"warninglist": number}), data=event()).end == "success"  # no lists were given


# --- under filters ---------------------------------------------------------------------------------------------------


NO_OBJECT = ("generic-filter-data", {"filtering-label": "A", "selector": "Event.Object", "hash_path": "name",
                                     "operator": "equals", "value": "nope"})  # fmt: skip


def test_attributes_of_hidden_objects_land_under_no_place() -> None:
    data = event()
    rows = [{"id": str(n), "event_id": "7", "type": "md5", "value": f"d{n}", "to_ids": True} for n in (8, 9)]
    data["Event"]["Object"] = [{"id": "3", "name": "file", "Attribute": rows}]
    done = ran(NO_OBJECT, ("attribute_ids_flag_operation", {"action": "remove"}), data=data)
    edited = done.steps[-1].data_after["Event"]["Attribute"]
    assert (list(edited), edited[""]["id"], edited[""]["to_ids"]) == (["0", ""], "9", False)

    lookup = {"name": "lookup", "mispattributes": {"input": ["md5"]}, "meta": {"module-type": ["expansion"]}}
    asked = Scripted([], {"lookup": [{"type": "ok", "body": {"results": [n]}} for n in (1, 2)]})
    nodes = {2: NO_OBJECT, 3: ("attach-enrichment", {"modules": ["lookup"]})}
    world = World(misp=OLD.misp, enrichment_modules=[lookup])
    done = run(load(workflow("W", "event-publish", nodes, [(1, 2), (2, 3)])), data, asked, world=world)
    assert done.steps[-1].data_after["Event"]["Attribute"][""] == {"enrichment": [[1], [2]]}


@pytest.mark.parametrize("module", ["proposal-action", "add_to_warninglist"])
def test_a_filter_that_php_cannot_follow_is_death_to_what_only_notes(module: str) -> None:
    filtered = {"selector": "Event", "path": "Tag.{n}.name", "operator": "in", "value": ["q"]}
    with pytest.raises(PhpCrash, match=r"Hash::extract"):
        execute(module, event(tag("q")), {"warninglist": "6"}, Scripted([]), world=OLD, filters=filtered)


@pytest.mark.parametrize("name", ["Traffic Light Protocol: green", "xtlp:red", "tlpx:red", "tlp - red", "x_tlp:red"])
def test_spellings_that_misp_does_not_replace(name: str) -> None:
    assert tags(left(("tag_replacement_tlp", {"scope": "event"}), data=event(tag(name))))[1:] == []
    spelled = tags(left(("tag_replacement_tlp", {"scope": "event"}), data=event(tag("misp-tlp:red"))))
    assert [row[0] for row in spelled] == ["misp-tlp:red", "tlp:red"]


def test_without_an_event_in_hand_the_first_one_is_read() -> None:
    """All is gone after a reset without a filter; what is read then is another event."""
    wiped = ("generic-filter-reset", {"filtering-label": "all"})
    rows = {number: {"Event": {"id": number, "info": f"event {number}"}} for number in ("10", "9")}
    known = World(misp=OLD.misp, rows={"events": rows})
    assert ran(wiped, RELOAD, data=event(), world=known).steps[-1].data_after["Event"]["info"] == "event 9"
    step = ran(wiped, RELOAD, data=event()).steps[-1]
    assert "not known here" in step.why and "Event" not in step.data_after


def test_only_the_event_is_read_anew() -> None:
    data = {**event(tag("q")), "_module": "lookup"}
    step = ran(RELOAD, data=data, trigger="enrichment-before-query").steps[-1]
    assert list(step.data_before) == ["Event", "_module"] and list(step.data_after) == ["Event"]


# --- what check tells ------------------------------------------------------------------------------------------------


def found(*nodes: tuple[Any, ...]) -> list[str]:
    numbered = dict(enumerate(nodes, start=2))
    built = load(workflow("W", "event-publish", numbered, [(number - 1, number) for number in numbered]))
    rules = {"wiped", "no-country", "path", "dies"}
    told = check(built, catalogue.load(Scripted([]), OLD), OLD, more=UPGRADE)
    return [finding.rule for finding in told if finding.rule in rules]


@pytest.mark.parametrize(("label", "end"), [("all", "success"), ("A", "crash")])
def test_check_tells_of_a_reset_without_a_filter(label: str, end: str) -> None:
    reset = ("generic-filter-reset", {"filtering-label": label})
    assert found(reset) == ["wiped"] and ran(reset, data=event()).end == end
    assert found(NO_OBJECT, reset) == []


def test_check_tells_where_assign_country_finds_nothing() -> None:
    for path, told in (("comment", []), ("enrichment.{n}.{n}.values.0", []), ("Event.info", ["no-country"])):
        assert found(("assign_country", {"scope": "event", "hash_path": path})) == told
    assert found(("assign_country", {"hash_path": "comment"}, OF_IP)) == ["no-country"]


def test_splunk_is_this_versions_death() -> None:
    node = ("splunk-hec-export", {"url": "https://splunk.example/", "hec_token": "t"})
    assert ran(node, data=event()).end == "crash" and found(node) == ["dies"]
    assert ran(node, data=event(), world=World(misp=profile("2.5.19"))).end == "success"
