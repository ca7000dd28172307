"""A warninglist of the operator's own: read whole, extended, written whole, and never emptied."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from misp_support import RECORDED, example_event, make

from misp_workflow.testing import answer
from misp_workflow.testing.misp import MispStandIn

TYPES = ["domain", "ip-dst"]


def values(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "description": "ours", "matching_attributes": TYPES, **more}


def made_by_hand(misp) -> dict[str, Any]:
    """A list with entries that have a comment, and a # in them; disabled."""
    entries = [{"value": "kept.example", "comment": "a customer"}, {"value": "http://kept.example/#a"}]
    given = {"name": f"Own {uuid.uuid4()}", "type": "hostname", "description": "by hand", "category": "known"}
    found = misp.ask("POST", "warninglists/add", {**given, "entries": entries, "matching_attributes": ["url"]})
    return found["Warninglist"]


def whole(misp, number: str) -> dict[str, Any]:
    return misp.ask("GET", f"warninglists/view/{number}")["Warninglist"]


@pytest.mark.site_admin
def test_what_was_on_the_list_stays_with_its_comments_types_and_all_else(misp, example):
    own = made_by_hand(misp)
    address, domain, _ = example["Attribute"]
    for _ in range(2):
        assert make("warninglist", example, address, domain, values=values(own["name"])).outcome == "delivered"
    now = whole(misp, own["id"])
    assert [(one["value"], one["comment"]) for one in now["WarninglistEntry"]] == [
        ("kept.example", "a customer"),
        ("http://kept.example/#a", None),
        (address["value"], None),
        (domain["value"], None),
    ]
    assert {one["type"] for one in now["WarninglistType"]} == {"url", "domain", "ip-dst"}
    for column in ("name", "type", "description", "category", "enabled"):
        assert now[column] == own[column], column
    assert now["version"] == "2", "written once: the second time there was nothing to add"


@pytest.mark.site_admin
def test_a_missing_list_is_made_and_extended(misp, example):
    name = f"Own {uuid.uuid4()}"
    address, domain, _ = example["Attribute"]
    assert make("warninglist", example, address, values=values(name)).detail.startswith("MISP changed ")
    assert make("warninglist", example, address, domain, values=values(name)).detail == (
        "MISP changed 1 of 2 attributes; 1 of 2 attributes was so already"
    )
    listed = misp.ask("GET", "warninglists/index")["Warninglists"]
    (made,) = [one["Warninglist"] for one in listed if one["Warninglist"]["name"] == name]
    assert (made["enabled"], made["description"], made["warninglist_entry_count"]) == (True, "ours", "2")
    assert whole(misp, made["id"])["type"] == "string"


@pytest.mark.site_admin
def test_a_list_for_every_type_stays_one(misp, example):
    given = {"name": f"Own {uuid.uuid4()}", "type": "string", "description": "d", "entries": "kept.example"}
    number = misp.ask("POST", "warninglists/add", given)["Warninglist"]["id"]
    assert make("warninglist", example, example["Attribute"][1], values=values(given["name"])).outcome == "delivered"
    assert [one["type"] for one in whole(misp, number)["WarninglistType"]] == ["ALL"]


def test_misps_own_lists_are_refused(standin: MispStandIn, use):
    use(standin)
    event = standin.add_event(example_event())
    said = make("warninglist", event, event["Attribute"][1], values=values("List of known google domains"))
    assert "MISP's own" in said.detail


def without(part: str):
    return lambda said: said["Warninglist"].pop(part)


@pytest.mark.parametrize(
    "spoil",
    [
        without("WarninglistEntry"),
        without("WarninglistType"),
        without("version"),
        lambda said: said["Warninglist"]["WarninglistEntry"].pop(),
        lambda said: said["Warninglist"]["WarninglistEntry"].append("a word"),
        lambda said: said["Warninglist"].update(id="999"),
        lambda said: said.update({**said.pop("Warninglist"), "Warninglist": {}}),
        lambda said: said.clear(),
    ],
)
def test_nothing_is_written_when_what_was_read_is_not_understood(standin: MispStandIn, use, spoil):
    """The kind of which a list was once emptied: an answer that lacks what is expected, taken for an empty list."""
    use(standin)
    event = standin.add_event({"info": "x", "Attribute": [{"type": "domain", "value": "new.example"}]})
    recorded = json.loads((RECORDED / "warninglists.json").read_text())
    view = next(one["response"]["body"] for one in recorded if one["call"].startswith("view own list"))
    listed = {key: one for key, one in view["Warninglist"].items() if not isinstance(one, list)}
    index = {"Warninglists": [{"Warninglist": {**listed, "warninglist_entry_count": "2"}}]}
    spoil(view)
    standin.answers(answer(index), answer(view))
    said = make("warninglist", event, *event["Attribute"], values=values(listed["name"]))
    assert said.outcome == "refused"
    assert "it was left as it is" in said.detail
    assert not standin.calls("/warninglists/edit")


def test_two_at_the_same_moment_lose_nothing(standin: MispStandIn, use):
    use(standin)
    own = made_by_hand(standin)
    rows = [{"type": "domain", "value": f"w{number}.example"} for number in range(6)]
    event = standin.add_event({"info": "x", "Attribute": rows})

    def add(row: dict[str, Any]) -> None:
        make("warninglist", event, row, values=values(own["name"]))

    threads = [threading.Thread(target=add, args=(row,)) for row in event["Attribute"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(whole(standin, own["id"])["WarninglistEntry"]) == 2 + len(rows)


def test_somebody_else_who_changed_the_list_meanwhile_is_told_of(standin: MispStandIn, use):
    use(standin)
    own, event = made_by_hand(standin), standin.add_event(example_event())
    respond = standin._otherwise

    def with_somebody_else(request: Any) -> Any:
        said = respond(request)
        if "/warninglists/view" in request.path:
            standin.warninglists[own["id"]]["version"] = "7"
        return said

    standin.always(with_somebody_else)
    said = make("warninglist", event, event["Attribute"][1], values=values(own["name"]))
    assert "somebody else changed the list in the same moment" in said.detail
