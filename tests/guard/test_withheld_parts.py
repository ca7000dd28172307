"""What goes with an item that may not go, what stays, and how all that is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from misp_workflow.delivery.guard import clear
from misp_workflow.delivery.guard.parts import KINDS
from misp_workflow.settings import Destination

RED = {"Tag": [{"name": "tlp:red"}]}
GREEN = Destination(name="open", tlp="green")


def uuid(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012}"


def attribute(number: int, **members: Any) -> dict[str, Any]:
    return {"id": str(number), "uuid": uuid(number), "type": "text", "value": f"value {number}", **members}


def kept(selected: Any = None, **members: Any) -> tuple[dict[str, Any], str, Any]:
    """Return what is left of a green event with these members, what is said of the rest, and what was selected."""
    event = {"id": "57", "info": "x", "Tag": [{"name": "tlp:green"}], **members}
    cleared = clear({"Event": event}, selected, GREEN)
    return cleared.data["Event"], cleared.withheld, cleared.selected


@pytest.mark.parametrize(("member", "kind"), [(member, kind) for member, kind in KINDS.items() if member != "Event"])
def test_each_is_called_what_it_stands_under(member: str, kind: str) -> None:
    left, said, _ = kept(**{member: [{"uuid": uuid(1), **RED}, {"uuid": uuid(2)}]})
    assert left[member] == [{"uuid": uuid(2)}]
    assert said == f"1 {kind} withheld: TLP:RED"


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"meta-category": "file"}, "object"),
        ({"template_uuid": uuid(9)}, "object"),
        ({"name": "file", "Attribute": []}, "object"),
        ({"type": "text", "value": "x"}, "attribute"),
        ({"name": "x", "content": "y"}, "event report"),
        ({"source": "x"}, "item"),
        ({"type": "x"}, "item"),
    ],
)
def test_a_bare_selection_is_called_what_it_looks_like(item: dict[str, Any], kind: str) -> None:
    _, said, chosen = kept(
        [{"uuid": uuid(1), **item, **RED}, {"uuid": uuid(2), **item}], Attribute=[attribute(3, **RED)]
    )
    assert chosen == [{"uuid": uuid(2), **item}]
    assert said == f"1 {kind} withheld: TLP:RED", "only what was selected is counted"


def test_a_related_event_goes_as_a_whole() -> None:
    left, said, _ = kept(RelatedEvent=[{"Event": {"id": "9", "info": "secret", **RED}}, {"Event": {"id": "8"}}])
    assert left["RelatedEvent"] == [{"Event": {"id": "8"}}]
    assert said == "1 related event withheld: TLP:RED"


def test_what_is_in_an_item_goes_with_it_and_only_attributes_in_objects_count() -> None:
    inside = attribute(1, **RED, Sighting=[{"id": "3"}], Note=[{"note": "n", **RED}], ShadowAttribute=[{"id": "4"}])
    _, said, _ = kept(Object=[{"id": "5", "uuid": uuid(5), "name": "file", "Attribute": [inside, attribute(2)], **RED}])
    assert said == "2 attributes withheld: TLP:RED; 1 object withheld: TLP:RED"
    _, said, _ = kept(Attribute=[inside, attribute(2)])
    assert said == "1 attribute withheld: TLP:RED"


@pytest.mark.parametrize("name", ["uuid", "id"])
def test_a_copy_without_the_mark_goes_and_the_object_that_had_nothing_else(name: str) -> None:
    def only(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if key not in {"uuid", "id"} - {name}}

    marked, bare = only(attribute(1, **RED)), only(attribute(1, value="spelt otherwise"))
    holders = [
        {"uuid": uuid(5), "name": "emptied", "Attribute": [bare]},
        {"uuid": uuid(6), "name": "kept", "Attribute": [bare, only(attribute(2))]},
        {"uuid": uuid(7), "name": "never had any", "Attribute": []},
    ]
    left, said, _ = kept(Object=holders, _AttributeFlattened=[marked, only(attribute(2))])
    assert left["Object"] == [{**holders[1], "Attribute": [only(attribute(2))]}, holders[2]]
    assert said == "1 attribute withheld: TLP:RED"


@pytest.mark.parametrize("rows", [None, 5, "text", {}])
def test_attributes_that_are_none_do_no_harm(rows: Any) -> None:
    holder = {"uuid": uuid(5), "name": "odd", "Attribute": rows}
    left, _, _ = kept(Object=[holder], Attribute=[attribute(1, **RED)])
    assert left["Object"] == [holder]


def test_what_other_events_say_alike_goes_with_its_attribute() -> None:
    related = {"1": [{"id": "9", "value": "theirs"}], "2": [{"id": "8", "value": "ours"}]}
    left, _, _ = kept(Attribute=[attribute(1, **RED), attribute(2)], RelatedAttribute=related)
    assert left["RelatedAttribute"] == {"2": related["2"]}
    assert "theirs" not in json.dumps(left)
    left, _, _ = kept(EventReport=[{"id": "1", "uuid": uuid(1), **RED}], RelatedAttribute=related)
    assert left["RelatedAttribute"] == related, "number 1 is another thing there"


def test_a_value_that_only_other_events_show_is_withheld_from_texts() -> None:
    theirs = {"1": [{"id": "9", "type": "domain", "value": "evil.example"}]}
    told = attribute(2, comment="about evil.example")
    left, _, _ = kept(Attribute=[attribute(1, value="evil.example", **RED), told], RelatedAttribute=theirs)
    assert left["Attribute"] == [{**told, "comment": "about [withheld]"}]


def test_a_place_in_a_list_with_holes_is_no_number_of_an_attribute() -> None:
    holes = {"1": {"uuid": uuid(5), "name": "file"}}
    left, _, _ = kept(Attribute=[attribute(1, **RED)], Object=holes, RelatedAttribute={"2": []})
    assert left["Object"] == holes


def test_tags_keep_from_going_where_the_distribution_is_bounded_too() -> None:
    rows = [{"uuid": uuid(1), **RED}, {"uuid": uuid(2), "distribution": "0"}, {"uuid": uuid(3), "distribution": "5"}]
    event = {"id": "57", "info": "x", "distribution": "3", "Tag": [{"name": "tlp:green"}], "Attribute": rows}
    cleared = clear({"Event": event}, None, Destination(tlp="green", distribution=1))
    assert cleared.data["Event"]["Attribute"] == rows[2:]


def test_an_object_with_holes_whose_attributes_say_nothing_of_themselves_is_emptied() -> None:
    holder = {"uuid": uuid(5), "name": "file", "Attribute": {"3": {"uuid": uuid(1), "value": "x", **RED}}}
    left, _, _ = kept(Object=[holder])
    assert left["Object"] == []


def test_the_number_of_an_object_empties_no_other_one() -> None:
    other = {"uuid": uuid(6), "name": "file", "Attribute": [{"id": "1", "value": "x"}]}
    left, _, _ = kept(Object=[{"id": "1", "uuid": uuid(5), "name": "file", **RED}, other])
    assert left["Object"] == [other]


def test_selected_copies_count_by_whatever_name_they_have() -> None:
    whole = {"id": "1", "uuid": uuid(1), "type": "text", "value": "x"}
    for chosen in ({"id": "1", "type": "text", "value": "x"}, {"Attribute": [{"id": "1", "value": "x"}]}):
        for known in (whole, {key: said for key, said in whole.items() if key != "uuid"}):
            _, said, _ = kept([chosen], Attribute=[{**known, **RED}])
            assert said == "1 attribute withheld: TLP:RED"


def test_what_is_around_an_event_is_known_by_it_and_nothing_else_is() -> None:
    _, said, _ = kept(RelatedEvent=[{"Event": {"uuid": uuid(number), **RED}} for number in (1, 2)])
    assert said == "2 related events withheld: TLP:RED"
    both = [attribute(number, Event={"uuid": uuid(9)}, **RED) for number in (1, 2)]
    assert kept(Attribute=both)[1] == "2 attributes withheld: TLP:RED"


@pytest.mark.parametrize(
    ("name", "nothing"),
    [("uuid", ""), ("uuid", None), ("uuid", 7), ("id", ""), ("id", None), ("id", 0), ("id", "0")],
)
def test_what_is_no_name_names_nothing_else(name: str, nothing: Any) -> None:
    other = {name: nothing, "type": "text", "value": "other"}
    left, said, _ = kept(Attribute=[{name: nothing, "type": "text", "value": "x", **RED}, other])
    assert (left["Attribute"], said) == ([other], "1 attribute withheld: TLP:RED")


@pytest.mark.parametrize("tags", ["tlp:red", ["tlp:red"], [{"Tag": "tlp:red"}], {"Tag": {"name": "tlp:red"}}])
def test_the_tag_of_an_item_counts_in_whatever_form_it_comes(tags: Any) -> None:
    assert kept(Attribute=[attribute(1, Tag=tags), attribute(2)])[0]["Attribute"] == [attribute(2)]


@pytest.mark.parametrize("template", [{}, {"template_uuid": uuid(9)}])
def test_a_selected_object_that_keeps_no_attribute_goes(template: dict[str, str]) -> None:
    emptied = {"uuid": uuid(5), "name": "file", "comment": "of it", **template, "Attribute": [attribute(1, **RED)]}
    other = {"uuid": uuid(6), "name": "file", **template, "Attribute": [attribute(2)]}
    assert kept([emptied, other], Object=[emptied, other])[2] == [other]
