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
