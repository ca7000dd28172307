"""Tags, clusters and texts that a filter selected by themselves: the quick way lets the same leave as the careful walk.

Events and selections are drawn by chance: what is local in one place and for all in another, in every spelling, lists
in lists, things that are no tags.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Hashable
from random import Random
from typing import Any

import pytest
from both_ways import agree, said
from drawn_events import NAMES, Drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from misp_workflow.delivery.guard.clear import _quickly, admit, carefully
from misp_workflow.delivery.guard.lost import Sayings, without_lost
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.delivery.guard.nested import every_object, every_text, leaves, missing, without
from misp_workflow.settings import Destination

SPELT = (*(True, False, 1, 0, 1.0, "1", "0", "true", "false", "True", " yes ", "on", ""), None, [], [1], {}, {"x": 1})
TAG_NAMES = (*NAMES, "acme:case", "ACME:case", "acme:case ", "t\u200blp:red", "", 5, None, ["acme:case"], {"x": "y"})
SAYING = ("local", "local_only", "exportable", "inherited", "default", "published", "distribution")
WRONG = ("acme:case", "tlp:red", "", "1", 1, 1.0, True, None, [], {}, [[]], 2**70, -0.5)


class Chosen:
    """Draws what filters select of an event, and what no filter ever would."""

    def __init__(self, random: Random, data: Any) -> None:
        self._random, self._one = random, random.choice
        self._calm = random.random() < 0.6
        self._objects = every_object(data)
        self._texts = sorted(every_text(data))

    def tag(self, name: Any = "") -> dict[str, Any]:
        said = {one: self._one(SPELT) for one in SAYING if self._random.random() < 0.2}
        return {"name": name or self._one(TAG_NAMES), **said, **self._one(({}, {}, {"id": "5"}, {"uuid": "u1"}))}

    def cluster(self) -> dict[str, Any]:
        below = self._one(({}, {"meta": {"synonyms": ["evil one"]}}, {"GalaxyCluster": []}, {"type": "x"}))
        return {**self.tag(), "value": self._one(("APT", "x")), "tag_name": self._one(TAG_NAMES), **below}

    def galaxy(self) -> dict[str, Any]:
        clusters = [self.cluster() for _ in range(self._random.randint(0, 2))]
        listed: Any = self._one((clusters, dict(zip("37", clusters, strict=False)), "x", None))
        return {**self.tag(), "GalaxyCluster": listed}

    def item(self, depth: int = 3) -> Any:
        usual = (
            self.tag,
            lambda: copy.deepcopy(self._one(self._objects)),
            lambda: self._one(self._texts) if self._texts else "",
            lambda: [self.item(depth - 1) for _ in range(self._random.randint(0, 3))] if depth else [],
        )
        shapes = (
            self.cluster,
            self.galaxy,
            lambda: {"tag_id": "6", "Tag": self._one((self.tag(), [self.tag()], "acme:case"))},
            lambda: {**self._one(self._objects), self._one(SAYING): self._one(SPELT)},
            lambda: self._one(WRONG),
            lambda: {"type": "text", "value": "x", "Tag": [self.tag()]},
        )
        return self._one(usual if self._calm or self._random.random() < 0.5 else shapes)()

    def selection(self) -> Any:
        items = [self.item() for _ in range(self._random.randint(1, 6))]
        same = [items, [*items, *copy.deepcopy(items)], [items], [[[items]], *items[:1]]]
        return self._one((*same, items[:1], {"0": items[0]}))


def drawn(random: Random) -> tuple[Any, Any]:
    """Return an event, with tags and clusters of whatever sort, and a selection."""
    data = Drawn(random).data()
    event = data["Event"]
    chosen = Chosen(random, data)
    rows = [row for row in every_object(event) if "uuid" in row or row is event]
    hostile = random.random() < 0.3
    for row in random.sample(rows, min(len(rows), random.randint(0, 4))):
        made = chosen.tag() if hostile else {"name": random.choice((*NAMES, "acme:case")), "local": False}
        row["Tag"] = [*tags, made] if isinstance(tags := row.get("Tag"), list) else [made]
    for row in random.sample(rows, min(len(rows), random.randint(0, 2))):
        clusters = [{"value": "APT", "tag_name": "acme:case", "uuid": random.choice("cd")}]
        row["Galaxy"] = [{"name": "Actors", "GalaxyCluster": [*clusters, chosen.cluster()] if hostile else clusters}]
    return data, Chosen(random, data).selection()


@settings(max_examples=1000, deadline=None)
@given(random=st.integers(0, 2**64).map(Random))
def test_both_ways_let_the_same_leave_of_what_is_selected_by_itself(random: Random) -> None:
    agree(*drawn(random))


def test_enough_of_what_is_drawn_takes_the_quick_way() -> None:
    """Or the test above would compare the careful way with itself."""
    quick = lost = parted = 0
    for number in range(400):
        data, selected = drawn(Random(number))
        found = said(_quickly, data, selected, Rule(Destination()), 1)
        if type(found) is tuple:
            quick += 1
            parted += bool(found[2])
            lost += found[1] != selected
    assert (quick > 100, parted > 8, lost > 20) == (True, True, True), (quick, parted, lost)


# --- what only is in what was left out --------------------------------------------------------------------------------


def quotes(text: str) -> bool:
    return "evil" in text


def plainly(selected: list[Any], exact: frozenset[str], out: Any, kept: Any) -> list[Any]:
    """Return what `without_lost` does, by looking through all of it for all of it."""

    def told(row: Any) -> Hashable:
        try:
            return frozenset(row.items())
        except TypeError:
            return json.dumps(row, sort_keys=True)

    def nameless(row: Any) -> bool:
        if "tag_name" in row:
            return True
        named = ("meta-category", "template_uuid", "content")
        attribute = "type" in row and "value" in row
        return not (any(name in row for name in named) or attribute or ("Attribute" in row and "info" not in row))

    shown = every_text(kept)
    texts = exact | (every_text(out) - shown)
    rows = set(map(told, every_object(out))) - set(map(told, every_object(kept)))

    def goes(item: Any) -> bool:
        if type(item) is str:
            return item in texts or (quotes(item) and item not in shown)
        return type(item) is dict and nameless(item) and told(item) in rows

    return without(selected, goes)


@settings(max_examples=1000, deadline=None)
@given(random=st.integers(0, 2**64).map(Random))
def test_what_is_lost_is_what_a_look_through_all_finds(random: Random) -> None:
    data, selected = drawn(random)
    listed = selected if isinstance(selected, list) else [selected]
    objects = every_object(data)
    out = random.sample(objects, min(len(objects), 3))
    exact = frozenset(random.sample(sorted(every_text(data)), 1))
    for kept in (data, {"Event": random.sample(objects, min(len(objects), 2))}, random.choice(objects), None, "x"):
        expected = plainly(listed, exact, out, kept)
        assert repr(without_lost(listed, exact, quotes, out, kept)) == repr(expected), "1 is not True"


@settings(max_examples=500, deadline=None)
@given(random=st.integers(0, 2**64).map(Random))
def test_what_is_missing_is_nowhere(random: Random) -> None:
    data, selected = drawn(random)
    for sought in (every_text(selected), every_text(data) | {"nowhere"}, set[str]()):
        for inside in (data, selected, "evil one", None, []):
            assert missing(sought, inside) == sought - every_text(inside)


def test_what_rows_say() -> None:
    rows: list[dict[str, Any]] = [{"name": "a", "local": False}, {"id": 5}, {"uuid": ["x"]}, {"": {}}, {}, {"": "x"}]
    sayings = Sayings(rows)
    assert all(row in sayings for row in rows)
    assert {"local": 0, "name": "a"} in sayings, "as Python has it"
    others: list[dict[str, Any]] = [{"name": "a"}, {"name": "a", "local": True}, {"uuid": ["y"]}, {"uuid": "x"}]
    for other in others:
        assert other not in sayings
    assert sayings.take([*others, rows[0], rows[0], *others, rows[4]]) == [rows[0], rows[4]]
    assert [row in sayings for row in rows] == [False, True, True, True, False, True]
    assert sayings.take(rows) == [rows[1], rows[2], rows[3], rows[5]]
    assert not sayings
    assert not Sayings()
    many = [{"name": f"n{number}", "id": ["x"]} for number in range(1000)]
    assert Sayings(many[::3]).take([*many, *many]) == many[::3]


# --- what stays at home ------------------------------------------------------------------------------------------------

GREEN = {"name": "tlp:green", "local": False}
MANY = [{"id": str(n), "uuid": f"x{n}", "type": "text", "value": f"v{n}", "Tag": [GREEN]} for n in range(400)]


def event(**members: Any) -> dict[str, Any]:
    return {"Event": {"id": "7", "info": "x", "Tag": [GREEN], "Attribute": MANY, **members}}


@pytest.mark.parametrize(
    "row",
    [
        *({"name": "acme:case", **said} for said in ({"local": 1}, {"local": "true"}, {"exportable": 0})),
        *({"tag_name": "acme:case", "value": "x", **said} for said in ({"local": " Yes "}, {"distribution": 0})),
        {"tag_name": ["acme:case"], "local": [1]},
        {"name": "Actors", "local_only": True, "GalaxyCluster": []},
    ],
)
def test_what_says_only_itself_that_it_is_local_stays_at_home_by_the_quick_way_too(row: dict[str, Any]) -> None:
    """The event has the same tag for all."""
    data = event(Tag=[GREEN, {"name": "acme:case", "local": False}])
    for selected in ([GREEN, row], [[GREEN, [row]]], ["acme:case", row, GREEN]):
        found = _quickly(data, selected, Rule(Destination()))
        assert found is not None
        assert found == carefully(data, selected, Destination()) == admit(data, selected, Destination())
        assert row not in leaves(found.selected)
        assert GREEN in leaves(found.selected)
    ours = Destination(local_tags=True)
    assert admit(data, [GREEN, row], ours).selected == [GREEN, row]


def test_a_local_tag_of_the_event_takes_equal_ones_of_a_selection_along() -> None:
    data = event(Tag=[GREEN, {"name": "acme:case", "local": True}])
    inherited = {"name": "acme:case", "inherited": True}
    for selected in (
        [GREEN, inherited],
        [[GREEN], [inherited]],
        ["acme:case", GREEN],
        [{"tag_name": "acme:case"}, GREEN],
    ):
        assert leaves(admit(data, selected, Destination()).selected) == [GREEN]


@pytest.mark.parametrize("local", [True, False])
def test_what_could_name_anything_stays_at_home(local: bool) -> None:
    data = event(Tag=[GREEN, {"name": "acme:case", "local": local}])
    odd = [{"tag_name": ["acme:case"]}, {"tag_name": {"x": "y"}}, {"tag_name": []}]
    nobody = [{"name": ["acme:case"]}, {"tag_name": None}, {"tag_name": 5}]
    assert admit(data, [*odd, *nobody], Destination()).selected == nobody
    assert admit(data, odd, Destination(local_tags=True)).selected == odd


def test_a_selection_as_deep_as_php_goes() -> None:
    deep: Any = [{"name": "planted", "local": True}, GREEN, "planted text"]
    for _ in range(500):
        deep = [deep]
    red = [{"uuid": "y", "value": "planted text", "type": "text", "Tag": [{"name": "tlp:red"}]}]
    left = admit(event(Attribute=[*MANY, *red]), deep, Destination()).selected
    assert leaves(left) == [GREEN]
