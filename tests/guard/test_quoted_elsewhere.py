"""How a value that was left out is known again in texts, and what the answer says of all that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from misp_workflow.delivery.guard import ClearanceError, admit, clear
from misp_workflow.delivery.guard.spelling import plain, sure_words, words_of
from misp_workflow.settings import Destination

GREEN = Destination(name="open", tlp="green")
RED = {"Tag": [{"name": "tlp:red"}]}


def event(*values: str, **members: Any) -> dict[str, Any]:
    """A green event whose attributes with these values are red."""
    rows = [{"uuid": f"u-{value}", "type": "text", "value": value, **RED} for value in values]
    more = members.pop("Attribute", [])
    return {"Event": {"id": "1", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [*rows, *more], **members}}


@pytest.mark.parametrize(
    ("values", "text", "left"),
    [
        (["evil site", "evil site of doom"], "the evil site of doom.", "the [withheld]."),
        (["evil site"], "evil sites, evil site", "evil sites, [withheld]"),
        (["evil site"], "evil siteで", "[withheld]で"),
        (["плохой сайт"], "плохой сайты, плохой сайт", "плохой сайты, [withheld]"),
        (["пример.рф"], "(пример.рф). да", "[withheld] да"),
        (["a1b2c"], "a1b2c", "[withheld]"),
        (["a1b2"], "a1b2", "a1b2"),  # too short: it would be found in texts that do not quote it
        (["evil.example.org"], "see [.]evil.example.org", "see [.][withheld]"),
        (["evil.example.org"], "the dot [.]evil.example.org", "the dot [.][withheld]"),
        (
            ["http://a.bc/d"],
            "see h**p://a.bc/d, h__p://a.bc/d, hXXp://a.bc/d",
            "see [withheld], [withheld], [withheld]",
        ),
        (["evil word " * 40], "before " + "evil word " * 40 + "after", None),
    ],
)
def test_a_text_that_quotes(values: list[str], text: str, left: str | None) -> None:
    data = event(*values, EventReport=[{"name": "r", "content": text}], Galaxy=[{"synonyms": [text, 5]}])
    kept = clear(data, None, GREEN).data["Event"]
    masked = kept["EventReport"][0]["content"]
    assert masked == kept["Galaxy"][0]["synonyms"][0]
    if left is None:
        assert masked.startswith("before [withheld]") and masked.endswith("after") and "evil" not in masked
    else:
        assert masked == left


@pytest.mark.parametrize("number", [1, 9])
@pytest.mark.parametrize(
    ("value", "text", "left"),
    [
        ("evilcorp", "Evilcorp™ again", "[withheld]™ again"),
        ("Evilcorp™", "by Evilcorp™, №1", "by [withheld]™, №1"),
        ("evilcorp", "ⒶEvilcorp℡", "Ⓐ[withheld]℡"),
        ("evilcorp", "evil\u0345corp", "[withheld]"),
        ("hxxpdropper", "the hxxpdropper", "the [withheld]"),
        ("h__pdropper", "the h__pdropper", "the [withheld]"),
    ],
)
def test_no_sign_beside_a_value_hides_it(number: int, value: str, text: str, left: str) -> None:
    values = [value, *(f"host{n}.example.org" for n in range(number - 1))]
    kept = clear(event(*values, EventReport=[{"content": text}], Galaxy=[{"synonyms": [text, text]}]), None, GREEN)
    assert kept.data["Event"]["EventReport"] == [{"content": left}]
    assert kept.data["Event"]["Galaxy"] == [{"synonyms": [left, left]}]


def test_the_quick_look_at_words_finds_all_that_the_careful_one_does() -> None:
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        text = f"{chr(code)}evil{chr(code)}name{chr(code)}"
        assert set(sure_words(plain(text))) <= set(words_of(text)), hex(code)


@pytest.mark.parametrize("number", [1, 8, 9, 20])
def test_few_values_and_many_are_found_alike(number: int) -> None:
    values = [f"host{n}.evil.example" for n in range(number)]
    text = " and ".join(values)
    kept = clear(event(*values, EventReport=[{"content": text}, {"content": "fine.example"}]), None, GREEN).data
    contents = [report["content"] for report in kept["Event"]["EventReport"]]
    assert contents == [" and ".join(["[withheld]"] * number), "fine.example"]


def test_what_is_made_around_a_value_is_counted_once_per_attribute() -> None:
    around = [
        {"uuid": "a", "type": "url", "value": "https://evil.example.org/a"},
        {"id": "7", "type": "url", "value": "https://evil.example.org/b"},
        {"type": "url", "value": "https://evil.example.org/c"},
        {"uuid": "d", "type": "other", "value": "a1b2c and others"},
    ]
    data = event("evil.example.org", "a1b2c", Attribute=around)
    data["Event"]["_AttributeFlattened"] = [dict(row) for row in data["Event"]["Attribute"]]
    cleared = clear(data, None, GREEN)
    assert cleared.withheld == ("3 attributes withheld: its value quotes one of them; 2 attributes withheld: TLP:RED")
    assert cleared.data["Event"]["Attribute"] == [{**around[3], "value": "[withheld] and others"}]
    assert cleared.marks == ("tlp:green",)


def test_what_stood_in_an_object_that_goes_is_known_again() -> None:
    holder = {
        "uuid": "o",
        "name": "file",
        "Attribute": [{"uuid": "i", "type": "domain", "value": "inside.example.org"}],
    }
    cleared = clear(event(Object=[{**holder, **RED}], EventReport=[{"content": "inside.example.org"}]), None, GREEN)
    assert "inside" not in json.dumps(cleared.data)
    assert cleared.withheld == "1 attribute withheld: TLP:RED; 1 object withheld: TLP:RED"


def test_bare_values_that_what_stays_has_too_stay() -> None:
    rows = [{"uuid": "k", "type": "text", "value": "kept.example", "comment": "both say it"}]
    data = event("evil.example", Attribute=rows)
    data["Event"]["Attribute"][0]["comment"] = "both say it"
    data["Event"]["Attribute"][0]["category"] = "only it says"
    chosen = ["both say it", "only it says", "evil.example", "kept.example"]
    assert clear(data, chosen, GREEN).selected == ["both say it", "kept.example"]


def test_a_selection_has_neither_secrets_nor_a_source() -> None:
    row = {"uuid": "k", "type": "text", "value": "v", "password": "hunter2", "Orgc": {"name": "Whistle"}}
    row["Tag"] = [{"name": "tlp:ex:chr", "org_id": "41"}]
    (chosen,) = admit(event(Attribute=[row]), [row], GREEN).selected
    assert (chosen["password"], chosen["Orgc"]) == ("***", {"name": "withheld (TLP:EX:CHR)"})
    assert chosen["Tag"] == row["Tag"], "a tag says who may use it, not who wrote the event"


def test_what_has_no_pap_is_refused_with_the_reason() -> None:
    with pytest.raises(ClearanceError) as refused:
        clear(event(), None, Destination(name="open", pap="clear", unmarked_pap="amber"))
    assert str(refused.value) == (
        "What is to be sent has no PAP tag and so counts as PAP:AMBER; "
        "the destination “open” takes at most PAP:CLEAR. Nothing was sent."
    )
