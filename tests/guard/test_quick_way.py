"""When a look at a large event is enough, that what leaves is then the same, and when the careful walk decides."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from misp_workflow.delivery.guard.clear import (
    ORDINARY,
    ClearanceError,
    _quickly,
    admit,
    bound_of,
    carefully,
    is_ordinary,
)
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.delivery.guard.scrub import HIDDEN
from misp_workflow.delivery.guard.source import NOBODY, UNTITLED
from misp_workflow.settings import Destination

GREEN, RED = [{"name": "tlp:green"}], [{"name": "tlp:red"}]
ROWS = [{"uuid": f"u{n}", "id": str(n), "type": "text", "value": f"the value {n}"} for n in range(1, 31)]
ROWS[4] = {**ROWS[4], "Tag": RED}
ROWS[9] = {**ROWS[9], "comment": "about the value 5"}
RELATED = [{"Event": {"id": "9", "info": "theirs"}}]


def event(**members: Any) -> dict[str, Any]:
    return {"Event": {"id": "7", "info": "x", "Tag": GREEN, "Attribute": ROWS, **members}}


WHOLE = event(_AttributeFlattened=[*map(dict, ROWS)], RelatedEvent=RELATED, Object=[{"uuid": "o", "name": "file"}])
TEXTS = ["the value 5", ["the value 5", "the value 6"], RED[0], "7"]
CHOSEN = [ROWS[4], ROWS[9], ROWS[2]]


@pytest.mark.parametrize("place", [Destination(), Destination(tlp="green"), Destination(tlp="red")])
@pytest.mark.parametrize("selected", [None, CHOSEN, [ROWS[2]], [], TEXTS])
@pytest.mark.parametrize("data", [WHOLE, event(Attribute=ROWS[5:9], RelatedEvent=RELATED), {"Log": {}, "Tag": GREEN}])
def test_a_look_is_enough_and_the_same_leaves(data: Any, selected: Any, place: Destination) -> None:
    found = _quickly(data, selected, Rule(place), 1)
    assert found is not None
    assert found == carefully(data, selected, place)


def test_a_large_event_is_not_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(*what: Any) -> Any:
        raise NotImplementedError

    large = event(Attribute=ROWS * 10)
    expected = carefully(large, CHOSEN, Destination())
    monkeypatch.setattr(importlib.import_module(carefully.__module__), "carefully", walked)
    assert admit(large, CHOSEN, Destination()) == expected
    with pytest.raises(NotImplementedError):
        admit(event(), CHOSEN, Destination())


def test_secrets_and_withheld_parts_go_together() -> None:
    left = carefully(event(User={"password": "x"}), None, Destination()).data["Event"]
    assert left["User"] == {"password": HIDDEN}
    assert "u5" not in [row["uuid"] for row in left["Attribute"]]


def test_without_its_source_an_event_is_still_there() -> None:
    tags = [*GREEN, {"name": "tlp:ex:chr", "org_id": "5"}]
    left = carefully(event(Tag=tags, Orgc={"name": "acme"}, Attribute=ROWS[:3]), ROWS[:1], Destination())
    assert left.data["Event"]["Orgc"] == {"name": NOBODY}
    assert left.data["Event"]["Tag"] == tags, "a tag's organisation says nothing of the event's"
    assert (left.data["Event"]["Attribute"], left.selected) == (ROWS[:3], ROWS[:1])


def test_the_title_of_an_event_without_tags_is_its_own() -> None:
    bare = {"Event": {"id": "7", "info": "mine", "RelatedEvent": RELATED}}
    left = carefully(bare, None, Destination(tlp="green", unmarked="clear")).data["Event"]
    assert left["info"] == "mine"
    assert left["RelatedEvent"][0]["Event"]["info"] == UNTITLED


def test_what_is_called_like_a_marking_is_not_marked() -> None:
    named = event(Attribute=ROWS[:3], Object=[{"uuid": "o", "name": "tlp:red"}])
    left = carefully(named, None, Destination())
    assert (left.data, left.withheld) == (named, "")


@pytest.mark.parametrize(
    ("data", "selected", "place"),
    [
        ([ROWS[0]], None, Destination(unmarked="clear")),
        (WHOLE, None, Destination(distribution=1, unmarked="clear")),
        (WHOLE, [{"RelatedEvent": RELATED}], Destination()),
        (event(User={"password": "x"}), None, Destination()),
        (event(Object=[{"Tag": [{"name": "tlp:ex:chr"}]}]), None, Destination()),
        (event(Attribute=[{"value": "nameless", "Tag": RED}, *ROWS[5:9]]), None, Destination()),
        (event(Object=[{"uuid": ["u5"]}]), None, Destination()),
        ({**WHOLE, "RelatedEvent": RELATED}, None, Destination()),
    ],
)
def test_the_careful_walk_decides(data: Any, selected: Any, place: Destination) -> None:
    assert _quickly(data, selected, Rule(place), 1) is None


def test_a_walk_through_few_branches_is_taken_for_a_small_share_of_suspects_only() -> None:
    data, rule = event(), Rule(Destination())
    assert _quickly(data, None, rule, len(ROWS)) is not None
    assert _quickly(data, None, rule, len(ROWS) + 1) is None
    chosen = [ROWS[0], ROWS[1]]
    assert _quickly(data, chosen, rule, len(ROWS) + 2) is not None
    assert _quickly(data, chosen, rule, len(ROWS) + 3) is None


@pytest.mark.parametrize("member", ["Attribute", "Object", "_AttributeFlattened"])
def test_an_ordinary_event_is_not_looked_at(member: str) -> None:
    few = {"Event": {member: [{}] * (ORDINARY - 1), "Attribute" if member != "Attribute" else "Object": {"3": {}}}}
    assert is_ordinary(few)
    few["Event"][member] = [{}] * ORDINARY
    assert not is_ordinary(few)
    assert not is_ordinary(few["Event"])
    assert is_ordinary({"Event": {"Other": [{}] * 1000}})
    assert is_ordinary([{}] * 1000)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("TLP:RED", "the destination “soc” takes at most TLP:AMBER"),
        ("PAP:RED", "the destination “soc” takes at most PAP:GREEN"),
        (
            "distribution “0”",
            "the destination “soc” takes only what has at least the distribution “this community only”",
        ),
    ],
)
def test_what_a_destination_takes_is_said(reason: str, said: str) -> None:
    place = Destination(name="soc", tlp="amber", pap="green", distribution=1)
    assert bound_of(place, reason) == said
    assert bound_of(Destination(tlp="green")) == "a node without a destination takes at most TLP:GREEN"


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        (event(Tag=RED), Destination(), "The event is marked TLP:RED; a node without a destination takes at most "),
        (event(Tag=[]), Destination(tlp="green"), "What is to be sent has no TLP tag and so counts as TLP:"),
        (event(), Destination(pap="green"), "What is to be sent has no PAP tag and so counts as PAP:"),
        (event(distribution="0"), Destination(distribution=1), "The event has the distribution “"),
        (event(distribution="5"), Destination(distribution=1), "The event has the distribution “"),
        (
            {"Post": {}, "Thread": {"distribution": "0"}},
            Destination(distribution=1),
            "The event has the distribution “",
        ),
        (
            event(Attribute=[{"_allTags": [{**RED[0], "inherited": True}]}]),
            Destination(),
            "The event is marked TLP:RED; ",
        ),
    ],
)
def test_why_nothing_is_sent(data: Any, place: Destination, said: str) -> None:
    with pytest.raises(ClearanceError) as refused:
        carefully(data, None, place)
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith(". Nothing was sent.")
