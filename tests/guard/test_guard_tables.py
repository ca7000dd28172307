"""What arrives: each table has events by marking, and what each clearance lets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from guard_events import SHAPES, event_of

from misp_workflow.delivery.guard import ClearanceError, clear
from misp_workflow.settings import DISTRIBUTIONS, PAP_LEVELS, TLP_LEVELS, Destination

HERE = Path(__file__).parent


def table(name: str) -> list[Any]:
    rows = json.loads((HERE / name).read_text(encoding="utf-8"))
    return [pytest.param(row, bound, id=f"{row['name']} [{bound}]") for row in rows for bound in row["arrives"]]


def arriving(data: dict[str, Any], destination: Destination) -> list[str] | None:
    """Return the values that arrive, None when the event is refused; every copy must tell the same."""
    try:
        cleared = clear(data, None, destination)
    except ClearanceError as refused:
        assert str(refused).endswith("Nothing was sent.")
        return None
    event = cleared.data["Event"]
    rows = event["Attribute"]
    found = list(rows.values() if isinstance(rows, dict) else rows)
    found += [row for holder in event["Object"] for row in holder["Attribute"]]
    values = sorted(row["value"] for row in found)
    assert values == sorted(row["value"] for row in event["_AttributeFlattened"])
    assert all(holder["Attribute"] for holder in event["Object"])
    return values


def test_the_tables_have_every_bound() -> None:
    for name, bounds in (("tlp.json", TLP_LEVELS), ("pap.json", PAP_LEVELS), ("distribution.json", "0123")):
        for row in json.loads((HERE / name).read_text(encoding="utf-8")):
            assert list(row["arrives"]) == list(bounds), row["name"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("row", "clearance"), table("tlp.json"))
def test_tlp(row: dict[str, Any], clearance: str, shape: str) -> None:
    data = event_of(row["event"], row["items"], shape)
    before = json.dumps(data)
    assert arriving(data, Destination(tlp=clearance)) == row["arrives"][clearance]
    assert json.dumps(data) == before, "what was given must stay as it was"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("row", "clearance"), table("pap.json"))
def test_pap(row: dict[str, Any], clearance: str, shape: str) -> None:
    data = event_of(row["event"], row["items"], shape)
    assert arriving(data, Destination(tlp="red", pap=clearance)) == row["arrives"][clearance]


@pytest.mark.parametrize(("row", "least"), table("distribution.json"))
def test_distribution(row: dict[str, Any], least: str) -> None:
    data = event_of(["tlp:clear"], {name: [] for name in row["items"]})
    event = data["Event"]
    event.update(distributed(row["event"]))
    copies = [*event["Attribute"], *event["_AttributeFlattened"], *(o["Attribute"][0] for o in event["Object"])]
    for copy in copies:
        copy.update(distributed(row["items"][copy["value"]]))
    destination = Destination(tlp="red", distribution=int(least), sharing_groups=("7",))
    assert arriving(data, destination) == row["arrives"][least]


def distributed(said: Any) -> dict[str, Any]:
    if isinstance(said, str) and "/" in said:
        level, group = said.split("/")
        return {"distribution": level, "sharing_group_id": group}
    return {"distribution": said}


def test_an_object_that_stays_at_home_takes_its_attributes_along() -> None:
    data = event_of(["tlp:clear"], {"object:a": [], "b": []})
    data["Event"]["Object"][0]["distribution"] = "0"
    for row in data["Event"]["_AttributeFlattened"]:
        row["object_id"] = data["Event"]["Object"][0]["id"] if row["value"] == "object:a" else "0"
    inside = data["Event"]["Object"][0]["Attribute"][0]
    data["Event"]["Sighting"] = [{"attribute_id": inside["id"], "source": "sensor-7"}]
    cleared = clear(data, None, Destination(distribution=1))
    assert "object:a" not in json.dumps(cleared.data)
    assert "sensor-7" not in json.dumps(cleared.data)
    assert "1 object withheld: distribution “your organisation only”" in cleared.withheld


@pytest.mark.parametrize(
    ("event_tags", "items", "sentence"),
    [
        ([], {"a": []}, ""),
        ([], {"a": ["tlp:red"], "b": []}, "1 attribute withheld: TLP:RED"),
        ([], {"a": ["tlp:red"], "object:b": ["tlp:red"], "c": ["TLP:RED"]}, "3 attributes withheld: TLP:RED"),
        (
            [],
            {"a": ["tlp:unclear"], "b": []},
            "1 attribute withheld: TLP:RED (from “tlp:unclear”, which is no known level)",
        ),
    ],
)
def test_what_was_left_out_is_counted(event_tags: list[str], items: dict[str, list[str]], sentence: str) -> None:
    assert clear(event_of(event_tags, items), None, Destination()).withheld == sentence


def test_reasons_are_counted_apart() -> None:
    data = event_of(["pap:clear"], {"a": ["tlp:red"], "b": ["pap:red"], "c": ["pap:red"]})
    cleared = clear(data, None, Destination(pap="amber"))
    assert cleared.withheld == "2 attributes withheld: PAP:RED; 1 attribute withheld: TLP:RED"


def test_a_refusal_names_mark_place_and_bound() -> None:
    red = event_of(["tlp:red"], {})
    with pytest.raises(ClearanceError) as refused:
        clear(red, None, Destination(name="soc-chat", tlp="green"))
    assert str(refused.value) == (
        "The event is marked TLP:RED; the destination “soc-chat” takes at most TLP:GREEN. Nothing was sent."
    )
    with pytest.raises(ClearanceError) as refused:
        clear(event_of([], {}), None, Destination(tlp="green"))
    assert str(refused.value) == (
        "What is to be sent has no TLP tag and so counts as TLP:AMBER; "
        "a node without a destination takes at most TLP:GREEN. Nothing was sent."
    )
    with pytest.raises(ClearanceError, match="takes at most PAP:GREEN"):
        clear(event_of(["pap:amber"], {}), None, Destination(pap="green"))
    with pytest.raises(ClearanceError, match=f"at least the distribution “{DISTRIBUTIONS[2]}”"):
        clear({"Event": {**red["Event"], "Tag": [], "distribution": "1"}}, None, Destination(distribution=2))


def test_the_operator_says_what_unmarked_means() -> None:
    data = event_of([], {"a": []})
    assert arriving(data, Destination(tlp="green", unmarked="green")) == ["a"]
    assert arriving(data, Destination(tlp="amber+strict", unmarked="red")) is None
    assert arriving(data, Destination(pap="green", unmarked_pap="clear")) == ["a"]


def test_the_operator_gives_own_tags_a_level() -> None:
    own = Destination(tlp="amber", markings={"acme:internal*": "red", "tlp:unclear": "amber"})
    items = {"a": ["ACME:Internal-only"], "b": ["tlp:unclear"], "c": ["acme:open"]}
    assert arriving(event_of(["tlp:clear"], items), own) == ["b", "c"]
    assert arriving(event_of(["acme:internal"], {"a": []}), own) is None


def test_an_own_tag_with_brackets_means_itself() -> None:
    """To a pattern they are a set of letters: the tag that the operator named passed as unmarked."""
    own = Destination(tlp="amber", markings={'acme:board="[draft]"': "red"})
    assert arriving(event_of(["tlp:green"], {"a": ['acme:Board="[Draft]"'], "b": ["acme:open"]}), own) == ["b"]


def test_an_event_whose_tags_only_its_attributes_show() -> None:
    data = event_of(["tlp:red"], {"a": []})
    del data["Event"]["Tag"]
    assert arriving(data, Destination()) is None


RED, GREEN = {"name": "tlp:red"}, {"name": "tlp:green"}


@pytest.mark.parametrize(
    "tags",
    [
        {"Tag": ["tlp:red"]},
        {"Tag": "tlp:red"},
        {"Tag": {"Tag": RED}},
        {"Tag": {"3": RED}},
        {"Tag": [{"name": "x", "Tag": "tlp:red"}]},
        {"Tags": ["tlp:clear", "tlp:red"]},
        {"EventTag": {"Tag": RED}, "AttributeTag": [{"Tag": RED}]},
        {"Tag": [RED], "_allTags": [GREEN], "EventTag": [{"Tag": GREEN}], "AttributeTag": [{"Tag": GREEN}]},
    ],
)
def test_a_mark_counts_in_whatever_form_it_comes(tags: dict[str, Any]) -> None:
    """Lists that disagree are read as the strictest of them."""
    data = event_of([], {"a": [], "b": []})
    for row in (data["Event"]["Attribute"][0], data["Event"]["_AttributeFlattened"][0]):
        row.update(tags)
    assert arriving(data, Destination()) == ["b"]
    data["Event"].update(tags)
    assert arriving(data, Destination()) is None


@pytest.mark.parametrize(
    ("inherited", "arrives"), [(True, None), (1, None), ("1", None), ("true", None), (False, ["b"]), ("0", ["b"])]
)
def test_what_an_attribute_has_from_its_event_marks_the_event(inherited: Any, arrives: list[str] | None) -> None:
    data = event_of([], {"a": [], "b": []})
    for row in (data["Event"]["Attribute"][0], data["Event"]["_AttributeFlattened"][0]):
        row["_allTags"] = [{**RED, "inherited": inherited}]
    assert arriving(data, Destination()) == arrives


GROUP = "AAAAAAAA-0000-4000-8000-00000000000b"


@pytest.mark.parametrize("known", ["7", GROUP, GROUP.lower(), "name:Friends"])
@pytest.mark.parametrize(
    ("said", "knowing"),
    [
        ({"sharing_group_id": 7}, ["7"]),
        ({"SharingGroup": {"id": "7"}}, ["7"]),
        ({"SharingGroup": {"uuid": GROUP.lower()}}, [GROUP, GROUP.lower()]),
        ({"sharing_group_uuid": GROUP}, [GROUP, GROUP.lower()]),
        ({"SharingGroup": {"name": "Friends"}}, ["name:Friends"]),
        ({"SharingGroup": {"name": "7"}}, []),
        ({"SharingGroup": {"name": GROUP}}, []),
        ({"SharingGroup": "7"}, []),
        ({"sharing_group_id": "8"}, []),
    ],
)
def test_a_sharing_group_is_known_by_number_uuid_or_name(known: str, said: dict[str, Any], knowing: list[str]) -> None:
    data = event_of(["tlp:clear"], {"a": []})
    for holder in (data["Event"], data["Event"]["Attribute"][0], data["Event"]["_AttributeFlattened"][0]):
        holder.update({"distribution": "4", **said})
    got = arriving(data, Destination(distribution=1, sharing_groups=(known,)))
    assert got == (["a"] if known in knowing else None)
