"""Tags that an organisation has for itself do not leave, in whatever form the data holds them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from misp_workflow.delivery.guard import ClearanceError, admit, clear
from misp_workflow.delivery.guard.clear import _quickly
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.settings import Destination

CASE = 'acme:internal-case="4711"'
OURS = Destination(name="ours", local_tags=True)
OTHERS = Destination()

HOME: list[dict[str, Any]] = [
    {"name": CASE, "local": True},
    {"name": CASE, "local": "1"},
    {"name": CASE, "local": False, "local_only": True},
    {"name": CASE, "local": False, "exportable": False},
    {"name": CASE, "exportable": "0"},
]
OPEN = {"name": "tlp:green", "exportable": True, "local": False, "local_only": False}


def event(tag: dict[str, Any]) -> dict[str, Any]:
    copy_ = {"name": tag["name"], "exportable": True, "inherited": True}  # as MISP says it at attributes
    row = {"id": "1", "uuid": "u", "type": "domain", "value": "a.example", "Tag": [OPEN], "_allTags": [OPEN, copy_]}
    inside = {"id": "2", "uuid": "v", "type": "text", "value": "b", "AttributeTag": [{"tag_id": "6", "Tag": tag}]}
    return {
        "Event": {
            "id": "7",
            "info": "x",
            "Tag": [OPEN, tag],
            "EventTag": {"0": {"tag_id": "5", "Tag": OPEN}, "3": {"tag_id": "6", "Tag": tag}},
            "Attribute": [row],
            "Object": [{"uuid": "o", "name": "file", "Attribute": {"0": inside}}],
            "EventReport": [{"uuid": "r", "name": "report", "Tag": tag}],
            "_AttributeFlattened": [dict(row)],
        }
    }


@pytest.mark.parametrize("tag", HOME)
def test_no_local_tag_leaves(tag: dict[str, Any]) -> None:
    data = event(tag)
    before = copy.deepcopy(data)
    cleared = clear(data, data["Event"]["Attribute"], Destination())
    text = json.dumps([cleared.data, cleared.selected])
    assert "4711" not in text
    assert text.count("tlp:green") == 2 + 4 + 2, "the others stay: of the event, its two copies, the selection"
    assert cleared.data["Event"]["EventReport"] == [{"uuid": "r", "name": "report", "Tag": []}]
    assert data == before, "what was given must stay as it was"
    assert cleared.withheld == ""


@pytest.mark.parametrize("tag", [*HOME, {"name": CASE, "local_only": "true"}])
@pytest.mark.parametrize("other", [{"name": "bare"}, {"name": "odd", "local": [1]}, {"name": "odd", "local": {"x": 1}}])
def test_what_stands_beside_a_local_tag_is_no_help(tag: dict[str, Any], other: dict[str, Any]) -> None:
    row = {"value": "a", "Tag": [CASE, "tlp:green"]}
    data = {"Event": {"id": "7", "info": "x", "Tag": [other, tag], "Attribute": [row]}}
    kept = clear(data, None, Destination()).data["Event"]
    assert (kept["Tag"], kept["Attribute"]) == ([other], [{"value": "a", "Tag": ["tlp:green"]}])
    data["Event"]["Attribute"] = []
    assert "4711" not in json.dumps(clear(data, None, Destination()).data)


def chosen(data: dict[str, Any], selected: Any, destination: Destination = OTHERS) -> Any:
    return clear(data, selected, destination).selected


@pytest.mark.parametrize("tag", [*HOME, {"name": CASE}])
def test_a_filter_that_selects_tags_takes_no_local_one_along(tag: dict[str, Any]) -> None:
    """The rows of a selection stand under no member that would say what they are."""
    data = event(HOME[0])
    inside = {"tag_id": "6", "Tag": tag}
    assert chosen(data, [OPEN, tag]) == [OPEN]
    assert chosen(data, [[OPEN, tag]]) == [[OPEN]]
    assert "4711" not in json.dumps(chosen(data, [{"tag_id": "5", "Tag": OPEN}, inside]))
    assert chosen(data, [OPEN, tag], OURS) == [OPEN, tag]
    data["Event"]["Org"] = {"id": "1", "name": "ours", "uuid": "p", "local": True}
    assert chosen(data, [data["Event"]["Org"]]) == [data["Event"]["Org"]], "an organisation is no tag"


def test_a_filter_that_selects_clusters_takes_no_local_one_along() -> None:
    there = {"uuid": "c", "value": "APT 28", "tag_name": 'misp-galaxy:threat-actor="APT 28"', "type": "threat-actor"}
    ours = {**there, "uuid": "d", "tag_name": 'misp-galaxy:threat-actor="Us"', "local": True}
    galaxy = {"uuid": "g", "name": "Actors", "type": "threat-actor", "GalaxyCluster": [there, ours]}
    data = event(HOME[0])
    data["Event"]["Galaxy"] = [galaxy]
    assert chosen(data, [there, ours]) == [there]
    assert chosen(data, [{**there, "local": False, "distribution": "0"}]) == []
    assert chosen(data, [{**galaxy, "local_only": True}]) == []
    assert chosen(data, [galaxy]) == [{**galaxy, "GalaxyCluster": [there]}]
    assert chosen(data, [there, ours], OURS) == [there, ours]


@pytest.mark.parametrize("also", [[], [OPEN]])
def test_tags_and_clusters_of_what_is_left_out_are_not_selected(also: list[Any]) -> None:
    red, ours = {"name": "tlp:red", "local": False}, {"name": "acme:customer-x", "local": False}
    cluster = {"uuid": "c", "value": "Spy", "tag_name": 'misp-galaxy:tool="Spy"', "type": "tool"}
    galaxy = {"uuid": "g", "name": "Tool", "type": "tool", "GalaxyCluster": [cluster]}
    out = {"id": "9", "uuid": "w", "type": "domain", "value": "out.example", "Tag": [red, ours], "Galaxy": [galaxy]}
    many = [{"id": str(n), "uuid": f"x{n}", "type": "text", "value": f"t{n}", "Tag": [OPEN]} for n in range(20, 400)]
    for rows in ([], many):
        data = event(OPEN)
        data["Event"]["Attribute"] += [*rows, out]
        for selected in ([ours], [cluster], [galaxy], [red], ["acme:customer-x"]):
            assert admit(data, [*also, *selected], Destination()).selected == also, selected
            assert admit(data, [*also, selected], Destination()).selected == [*also, []], "a list for each attribute"
        data["Event"]["Galaxy"], data["Event"]["Tag"] = [galaxy], [OPEN, ours]
        assert admit(data, [ours, galaxy, cluster], Destination()).selected == [ours, galaxy, cluster], (
            "the event has them"
        )


@pytest.mark.parametrize("tag", HOME)
def test_a_destination_may_have_them(tag: dict[str, Any]) -> None:
    data = event(tag)
    assert clear(data, None, OURS).data == data


def test_an_exportable_tag_is_no_local_one() -> None:
    data = event({"name": CASE, "local": False, "local_only": False, "exportable": True})
    assert clear(data, None, Destination()).data == data
    assert "4711" in json.dumps(clear(event({"name": CASE}), None, Destination()).data)


def test_a_local_marking_counts_all_the_same() -> None:
    with pytest.raises(ClearanceError, match="TLP:RED"):
        clear(event({"name": "tlp:red", "local": True}), None, Destination())


def test_names_that_a_filter_chose() -> None:
    data = event(HOME[0])
    assert clear(data, ["tlp:green", CASE], Destination()).selected == ["tlp:green"]
    assert clear(data, ["tlp:green", CASE], OURS).selected == ["tlp:green", CASE]


def test_a_name_that_is_said_elsewhere_too_is_no_secret() -> None:
    data = event(HOME[0])
    data["Event"]["Attribute"][0]["value"] = CASE
    assert clear(data, ["tlp:green", CASE], Destination()).selected == ["tlp:green", CASE]


@pytest.mark.parametrize("tag", [{"name": CASE}, {"name": CASE, "inherited": True, "local": False}])
def test_what_says_itself_how_it_is_attached_is_no_copy(tag: dict[str, Any]) -> None:
    data = {"Event": {"id": "7", "info": "x", "Tag": [HOME[0]], "Attribute": [{"value": "a", "Tag": [tag]}]}}
    kept = clear(data, None, Destination()).data["Event"]
    assert (kept["Tag"], kept["Attribute"][0]["Tag"]) == ([], [tag])


def test_a_local_tag_without_a_name_takes_no_other_along() -> None:
    nameless = {"inherited": True, "colour": "#000000"}
    data = {"Event": {"id": "7", "info": "x", "Tag": [{"local": True}, nameless]}}
    assert clear(data, None, Destination()).data["Event"]["Tag"] == [nameless]


@pytest.mark.parametrize("several", [False, True])
def test_a_row_of_the_database_is_as_local_as_its_tag(several: bool) -> None:
    row = {"tag_id": "6", "Tag": HOME[0]}
    data = {"Event": {"id": "7", "info": "x", "EventTag": [row] if several else row}}
    assert clear(data, None, Destination()).data["Event"]["EventTag"] == []


def test_galaxy_clusters_that_were_attached_locally() -> None:
    data = event(OPEN)
    data["Event"]["Galaxy"] = [
        {"name": "Threat Actor", "GalaxyCluster": [{"value": "APT 4711", "local": True}]},
        {"name": "Country", "GalaxyCluster": [{"value": "france", "local": False}, {"value": "4711", "local": "1"}]},
    ]
    kept = clear(data, None, Destination()).data["Event"]["Galaxy"]
    assert kept == [{"name": "Country", "GalaxyCluster": [{"value": "france", "local": False}]}]
    assert clear(data, None, OURS).data == data
    with_holes = {"1": {"name": "Threat Actor", "GalaxyCluster": {"3": {"value": "APT 4711", "local": True}}}}
    country = data["Event"]["Galaxy"][1]
    with_holes["4"] = {**country, "GalaxyCluster": dict(zip("27", country["GalaxyCluster"], strict=True))}
    data["Event"]["Galaxy"] = with_holes
    for kept in (clear(data, None, Destination()), admit(data, None, Destination())):
        france = {"value": "france", "local": False}
        assert kept.data["Event"]["Galaxy"] == {"4": {"name": "Country", "GalaxyCluster": {"2": france}}}


# --- galaxy clusters that are for their organisation ------------------------------------------------------------------

CLUSTER = {
    "uuid": "c",
    "type": "acme-actor",
    "value": "Planted Panda",
    "tag_name": 'misp-galaxy:acme-actor="Planted Panda"',
    "distribution": "3",
    "default": False,
    "published": True,
    "local": False,
}


def with_cluster(cluster: dict[str, Any], galaxy: dict[str, Any]) -> dict[str, Any]:
    tag = {"name": cluster["tag_name"], "local": False, "exportable": True, "local_only": False}
    galaxies = [{"uuid": "g", "name": "Acme actors", "local_only": False, **galaxy, "GalaxyCluster": [cluster]}]
    row = {"uuid": "u", "type": "domain", "value": "a.example", "Tag": [OPEN, tag], "Galaxy": galaxies}
    return {"Event": {"id": "7", "info": "x", "Tag": [OPEN, tag], "Galaxy": galaxies, "Attribute": [row]}}


@pytest.mark.parametrize(
    ("cluster", "galaxy"),
    [
        ({"distribution": "0"}, {}),
        ({"distribution": 0}, {}),
        ({"published": False}, {}),
        ({"default": "0", "published": "0"}, {}),
        ({}, {"local_only": True}),
    ],
)
def test_no_cluster_for_the_own_organisation_leaves(cluster: dict[str, Any], galaxy: dict[str, Any]) -> None:
    data = with_cluster({**CLUSTER, **cluster}, galaxy)
    data["Event"]["EventTag"] = [{"tag_id": "6", "Tag": data["Event"]["Tag"][1]}]
    before = copy.deepcopy(data)
    row = data["Event"]["Attribute"][0]
    holes = {"3": {**row["Galaxy"][0], "GalaxyCluster": {"2": row["Galaxy"][0]["GalaxyCluster"][0]}}}
    for one in (
        data,
        {"Event": {**data["Event"], "Attribute": {"4": row}}},
        {"Event": {**data["Event"], "Galaxy": holes, "Attribute": [{**row, "Galaxy": holes}]}},
    ):
        cleared = clear(one, [row], Destination())
        text = json.dumps([cleared.data, cleared.selected])
        assert "Planted Panda" not in text and "Acme actors" not in text
        assert text.count("tlp:green") == 3
        assert "Planted Panda" in json.dumps(clear(one, None, OURS).data)
        for admitted in (admit(one, None, Destination()), _quickly(one, None, Rule(Destination()))):
            assert "Planted Panda" not in json.dumps(admitted and admitted.data), "the quick look must see it, too"
    assert data == before


@pytest.mark.parametrize(
    "cluster", [{}, {"default": True, "published": False}, {"distribution": "4"}, {"local": "0"}, {"local": "false"}]
)
def test_other_clusters_leave(cluster: dict[str, Any]) -> None:
    data = with_cluster({**CLUSTER, **cluster}, {})
    assert clear(data, None, Destination()).data == data


def test_a_cluster_that_is_attached_locally_takes_no_other_tag_along() -> None:
    data = with_cluster({**CLUSTER, "local": True}, {})
    data["Event"]["Tag"][1] = {**data["Event"]["Tag"][1], "local": True}
    text = json.dumps(clear(data, None, Destination()).data)
    assert text.count("Planted Panda") == 1, "the one that is attached to the attribute for all"
