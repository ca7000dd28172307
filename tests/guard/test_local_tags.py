"""Tags that an organisation has for itself do not leave, in whatever form the data holds them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from misp_workflow.delivery.guard import ClearanceError, clear
from misp_workflow.settings import Destination

CASE = 'acme:internal-case="4711"'
OURS = Destination(name="ours", local_tags=True)

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
    assert cleared.data["Event"]["EventReport"][0]["name"] == "report"
    assert data == before, "what was given must stay as it was"
    assert cleared.withheld == ""


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


def test_galaxy_clusters_that_were_attached_locally() -> None:
    data = event(OPEN)
    data["Event"]["Galaxy"] = [
        {"name": "Threat Actor", "GalaxyCluster": [{"value": "APT 4711", "local": True}]},
        {"name": "Country", "GalaxyCluster": [{"value": "france", "local": False}, {"value": "4711", "local": "1"}]},
    ]
    kept = clear(data, None, Destination()).data["Event"]["Galaxy"]
    assert kept == [{"name": "Country", "GalaxyCluster": [{"value": "france", "local": False}]}]
    assert clear(data, None, OURS).data == data
