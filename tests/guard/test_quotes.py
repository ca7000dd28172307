"""Where a value that was left out is quoted: what goes, what is masked, what is told and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.delivery.guard import clear
from misp_workflow.settings import Destination

OUT = {"uuid": "out", "type": "domain", "value": "evil.example", "Tag": [{"name": "tlp:red"}]}


def left(*rows: dict[str, Any], out: dict[str, Any] = OUT, **members: Any) -> tuple[dict[str, Any], str]:
    """Return what is left of a green event without `out`, and what is said of it."""
    event = {"id": "7", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [out, *rows], **members}
    cleared = clear({"Event": event}, None, Destination(tlp="green"))
    return cleared.data["Event"], cleared.withheld


def comment(text: str, **out: Any) -> str:
    told = {"uuid": "t", "comment": text}
    return left(told, out={**OUT, **out})[0]["Attribute"][0]["comment"]


@pytest.mark.parametrize(
    ("value", "text", "masked"),
    [
        ("evil.example", "see https://evil.example./x", "see [withheld]"),
        ("$$$$$", "they write $$$$$ there", "they write [withheld] there"),  # a value without a word
        ("e.com", "E.COM", "[withheld]"),
        ("e.co", "e.co", "e.co"),  # too short to be looked for
    ],
)
def test_a_text_that_quotes_a_value(value: str, text: str, masked: str) -> None:
    assert comment(text, value=value) == masked
    prose = {"uuid": "t", "type": "comment", "value": f"{text} "}
    assert left(prose, out={**OUT, "value": value})[0]["Attribute"] == [{**prose, "value": f"{masked} "}]


def test_prose_that_is_as_short_as_the_shortest_value_is_read() -> None:
    prose = {"uuid": "t", "type": "comment", "value": "E.COM"}
    assert left(prose, out={**OUT, "value": "e.com"})[0]["Attribute"] == [{**prose, "value": "[withheld]"}]


@pytest.mark.parametrize("says", ["type", "object_relation"])
def test_what_an_attribute_shows_is_no_secret_and_what_it_is_made_around_goes(says: str) -> None:
    about = {"uuid": "t", "comment": "about evil.example"}
    same = {"uuid": "a", says: "domain", "value": "evil.example"}
    assert left(same, about)[0]["Attribute"] == [same, about]
    around = {"uuid": "b", says: "url", "value": "https://evil.example/x"}
    found, said = left(around, about)
    assert found["Attribute"] == [{**about, "comment": "about [withheld]"}]
    assert said == "1 attribute withheld: TLP:RED; 1 attribute withheld: its value quotes one of them"


def test_one_attribute_among_many_is_found_whose_value_ends_in_another() -> None:
    others = [{"uuid": str(number), "type": "domain", "value": f"n{number}.org"} for number in range(20)]
    around = {"uuid": "b", "type": "url", "value": "https://evil.example"}
    assert left(*others, around, *others)[0]["Attribute"] == [*others, *others]


@pytest.mark.parametrize("name", ["uuid", "id"])
def test_attributes_that_quote_one_count_once_each(name: str) -> None:
    rows = [{name: str(number), "type": "url", "value": "https://evil.example/x"} for number in (11, 12)]
    said = left(*rows, _AttributeFlattened=[dict(row) for row in rows])[1]
    assert said == "2 attributes withheld: its value quotes one of them; 1 attribute withheld: TLP:RED"
    nameless = {"type": "url", "value": "https://evil.example/x"}
    said = left(nameless, {**nameless, "value": "https://evil.example/y"}, dict(nameless))[1]
    assert said.startswith("2 attributes withheld: its value quotes")


def test_what_a_part_of_another_value_shows_is_no_secret() -> None:
    out = {**OUT, "type": "domain|ip", "value": "evil.example|192.0.2.1"}
    shows = {"uuid": "a", "type": "domain|ip", "value": "evil.example|192.0.2.2"}
    about = {"uuid": "t", "comment": "evil.example at 192.0.2.1"}
    found = left(shows, about, out=out)[0]["Attribute"]
    assert found == [shows, {**about, "comment": "evil.example at [withheld]"}]


@pytest.mark.parametrize("number", [1, 20])
@pytest.mark.parametrize("last", [[], ["www.evilhost0 "]])
def test_of_a_list_the_texts_that_quote_one_are_masked_and_the_others_stay(number: int, last: list[str]) -> None:
    out = [{**OUT, "uuid": f"out {place}", "value": f"www.evilhost{place}"} for place in range(number)]
    refs = ["see www.evilhost0", "other", 5, *last]
    galaxy = {"value": "x", "meta": {"refs": refs, "country": ["none"]}}
    found = left(*out[1:], {"uuid": "t", "GalaxyCluster": [galaxy]}, out=out[0])[0]["Attribute"][0]
    meta = found["GalaxyCluster"][0]["meta"]
    masked = ["[withheld] " for _ in last]
    assert meta == {"refs": ["see [withheld]", "other", 5, *masked], "country": ["none"]}


def test_what_was_left_out_of_the_data_is_masked_in_a_selection_and_the_other_way_round() -> None:
    about = {"uuid": "t", "comment": "about evil.example"}
    masked = {**about, "comment": "about [withheld]"}
    green = {"Event": {"id": "7", "info": "x", "Tag": [{"name": "tlp:green"}]}}
    for inside, selected in (([OUT, about], [about]), ([about], [OUT, about])):
        cleared = clear({"Event": {**green["Event"], "Attribute": inside}}, selected, Destination(tlp="green"))
        assert (cleared.data["Event"]["Attribute"], cleared.selected) == ([masked], [masked])


def test_a_selected_tag_whose_name_quotes_a_value_goes() -> None:
    """With [withheld] in its name it would be a tag that nobody has."""
    quoting, other = ({"id": "5", "name": name, "colour": "#fff"} for name in ('x:host="evil.example"', "x:host"))
    row = {"uuid": "b", "type": "domain", "value": "fine.example", "Tag": [quoting, other]}
    event = {"id": "7", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [OUT, row]}
    for selected, kept in (([quoting, other], [other]), ([[quoting], [other]], [[], [other]])):
        assert clear({"Event": event}, selected, Destination(tlp="green")).selected == kept


def test_a_selected_text_that_quotes_a_value_goes() -> None:
    """Nothing says whether it is a value, a comment or a name; what the event shows all the same stays."""
    url = {"uuid": "u", "type": "url", "value": "https://evil.example/x"}
    fine = {"uuid": "f", "type": "domain", "value": "fine.example", "comment": "see evil.example too"}
    tagged = {**fine, "Tag": [{"name": 'x:host="evil.example"'}]}
    event = {"id": "7", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [OUT, url, tagged]}
    stays = ["fine.example", 'x:host="evil.example"', "login"]
    selected = [OUT["value"], url["value"], fine["comment"], *stays, [fine["comment"]]]
    assert clear({"Event": event}, selected, Destination(tlp="green")).selected == [*stays, []]
