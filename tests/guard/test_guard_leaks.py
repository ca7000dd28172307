"""What is above the clearance does not leave by another path of the same data."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from guard_events import event_of

from misp_workflow.delivery.guard import ClearanceError, clear
from misp_workflow.delivery.guard.spelling import Shown
from misp_workflow.settings import Destination

GREEN = Destination(name="open", tlp="green")
EVIL = "evil.example.org"


@pytest.fixture
def data() -> dict[str, Any]:
    """An event at green with one attribute at red (evil.example.org) and one at green (fine.example.org)."""
    return event_of(["tlp:green"], {EVIL: ["tlp:red"], "fine.example.org": []})


def sent(data: Any, selected: Any = None, destination: Destination = GREEN) -> str:
    cleared = clear(data, selected, destination)
    return json.dumps([cleared.data, cleared.selected])


@pytest.mark.parametrize(
    ("member", "followers"),
    [
        ("Sighting", [{"attribute_id": "1", "source": "sensor-7"}]),
        ("Sighting", {"0": {"attribute_uuid": "00000000-0000-4000-9000-000000000001", "source": "sensor-7"}}),
        ("ShadowAttribute", [{"old_id": "1", "value": "sensor-7.example.org"}]),
        ("Note", [{"object_uuid": "00000000-0000-4000-9000-000000000001", "note": "sensor-7"}]),
        ("Relationship", [{"related_object_uuid": "00000000-0000-4000-9000-000000000001", "x": "sensor-7"}]),
        ("RelatedAttribute", {"1": [{"id": "9", "info": "sensor-7", "value": EVIL}]}),
        ("Correlation", [{"event": "sensor-7", "value": EVIL}]),
        ("Anything", {"Attribute": {"uuid": "00000000-0000-4000-9000-000000000001", "comment": "sensor-7"}}),
        ("EventReport", [{"name": "sensor-7", "Tag": [{"name": "tlp:red"}]}]),
        ("Galaxy", [{"GalaxyCluster": [{"value": "sensor-7", "Tag": [{"name": "tlp:amber"}]}]}]),
        ("RelatedEvent", [{"Event": {"info": "sensor-7", "Tag": [{"name": "tlp:amber"}]}}]),
        ("RelatedEvent", [{"Event": {"info": "sensor-7", "uuid": "x"}}]),
        ("extensionEvents", {"5": {"info": "sensor-7", "id": "5"}}),
    ],
)
def test_what_is_about_a_withheld_attribute_goes_with_it(data: dict[str, Any], member: str, followers: Any) -> None:
    data["Event"][member] = followers
    text = sent(data)
    assert "sensor-7" not in text
    assert EVIL not in text
    assert "fine.example.org" in text


def test_what_is_about_another_attribute_stays(data: dict[str, Any]) -> None:
    data["Event"]["Sighting"] = [{"attribute_id": "2", "source": "sensor-8"}]
    data["Event"]["RelatedAttribute"] = {"2": [{"id": "9", "value": "fine.example.org"}]}
    data["Event"]["ShadowAttribute"] = [{"old_id": "0", "value": "proposed.example.org"}]
    text = sent(data)
    assert "sensor-8" in text
    assert "proposed.example.org" in text
    assert json.loads(text)[0]["Event"]["RelatedAttribute"]["2"]


@pytest.mark.parametrize("others", [1, 3_000], ids=["small", "large"])
@pytest.mark.parametrize("member", ["Note", "Sighting", "Attribute"])
def test_a_uuid_is_the_same_one_however_its_letters_are_written(member: str, others: int) -> None:
    """To MISP's database it is: what another organisation wrote so hangs on the same attribute."""
    uuid, green = "aaaaaaaa-0000-4000-8000-00000000000b", [{"name": "tlp:green"}]
    named = {"Note": "object_uuid", "Sighting": "attribute_uuid", "Attribute": "uuid"}[member]
    about = {named: uuid.upper().replace("AAAA", "aAAa"), "id": "900000", "note": "secret-word", "value": "secret-word"}
    rows = [
        {"id": str(n), "uuid": f"{n:08d}-0000-4000-8000-000000000000", "value": f"n{n}.org"} for n in range(1, others)
    ]
    red = {"id": "800000", "uuid": uuid, "type": "domain", "value": "evil.example", "Tag": [{"name": "tlp:red"}]}
    holder = [{"id": "700000", "uuid": f"{7:08d}-1111-4000-8000-000000000000", "value": "x.org", member: [about]}]
    among = [about] if member == "Attribute" else holder
    told = sent({"Event": {"id": "1", "info": "x", "Tag": green, "Attribute": [*rows, red, *among]}})
    assert "evil.example" not in told and "secret-word" not in told


@pytest.mark.parametrize("others", [1, 3_000], ids=["small", "large"])
def test_the_other_end_of_a_relationship_loses_its_title(others: int) -> None:
    ends = {"related_object_type": "Event", "related_object": {"Event": {"id": "9", "info": "Secret operation"}}}
    rows = [{"id": str(n), "uuid": f"{n:08d}-0000-4000-8000-000000000000", "value": f"n{n}.org"} for n in range(others)]
    rows[0]["Relationship"] = [{"id": "1", **ends}]
    told = sent({"Event": {"id": "1", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": rows}})
    assert "Secret operation" not in told and '"related_object_type": "Event"' in told


def test_related_events_keep_their_number_and_lose_their_title(data: dict[str, Any]) -> None:
    related = {"id": "9", "uuid": "u", "info": "Secret operation", "distribution": "1"}
    data["Event"]["RelatedEvent"] = [{"Event": related}]
    cleared = clear(data, None, GREEN).data["Event"]
    assert cleared["info"] == data["Event"]["info"]
    kept = cleared["RelatedEvent"][0]["Event"]
    assert kept["id"] == "9"
    assert kept["info"] == "(title withheld: its TLP is not known here)"
    assert "Secret operation" in sent(data, None, Destination(tlp="red"))
    marked = {**related, "Tag": [{"name": "tlp:clear"}]}
    data["Event"]["RelatedEvent"] = [{"Event": marked}]
    assert "Secret operation" in sent(data)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("seen at evil.example.org today", "seen at [withheld] today"),
        ("Seen at EVIL.example.org.", "Seen at [withheld]"),
        ("hxxps://evil[.]example[.]org/a?b", "[withheld]"),
        ("see https://evil.example.org/login", "see [withheld]"),
        ("(evil.example.org)", "[withheld]"),
        ("at evil(dot)example{.}org or evil[.]example{dot}org", "at [withheld] or [withheld]"),
        ("see evil.\u200bexample\u00ad.org and ｅｖｉｌ．example。org", "see [withheld] and [withheld]"),
        ("devil.example.org and fine.example.org", "devil.example.org and fine.example.org"),
        ("“evil.example.org”, evil.example.org’s", "“[withheld]”, [withheld]’s"),
        ("→evil.example.org… «evil.example.org»", "→[withheld] «[withheld]»"),
        ("見てevil.example.orgです「evil.example.org」🔥", "[withheld]「[withheld]」🔥"),
        ("evil [.] example [.] org, evil[.example.]org", "[withheld], [withheld]"),
        ("evil\\.example\\.org and evil dot example dot org", "[withheld] and [withheld]"),
        ("the red dot evil.example.org, dot [.] evil.example.org", "the red dot [withheld], dot [.] [withheld]"),
        ("~evil.example.org~ $evil.example.org$ - evil.example.org-", "[withheld] [withheld] - [withheld]"),
        (
            "e\u0301vil.example.org e\U000e0041vil.exam\u3164ple.org evil.example‑org",
            "[withheld] [withheld] evil.example‑org",
        ),
    ],
)
def test_a_text_that_quotes_a_withheld_value(data: dict[str, Any], text: str, left: str) -> None:
    data["Event"]["info"] = text
    assert clear(data, None, GREEN).data["Event"]["info"] == left


@pytest.mark.parametrize(
    "quoting",
    [
        {"EventReport": [{"name": f"Report on {EVIL}", "content": ""}]},
        {"Object": [{"name": f"host {EVIL}", "Attribute": [{"uuid": "o", "type": "text", "value": "kept"}]}]},
        {"Feed": [{"id": "1", "name": f"feed of {EVIL}", "url": f"https://{EVIL}/feed", "provider": EVIL}]},
        {"Galaxy": [{"GalaxyCluster": [{"value": f"Those behind {EVIL}", "description": ""}]}]},
        {"Note": [{"note": "n", "comment": EVIL}]},
        {"Note": [{"note": "n", "authors": f"boss@{EVIL}"}]},
        {"Relationship": [{"relationship_type": f"talks to {EVIL}"}]},
        {"Galaxy": [{"GalaxyCluster": [{"value": "x", "authors": ["a", EVIL]}]}]},
        {"Galaxy": [{"GalaxyCluster": [{"value": "x", "meta": {"refs": [f"https://{EVIL}/report"], "type": ["y"]}}]}]},
        {"Galaxy": [{"GalaxyCluster": [{"value": "x", "meta": {"operated-at": ["fine", f"{EVIL}."]}}]}]},
        {"Thread": {"title": "What of evil[.]example[.]org?"}},
    ],
)
def test_names_and_titles_of_anything_quote_nothing_withheld(data: dict[str, Any], quoting: dict[str, Any]) -> None:
    data["Event"] |= quoting
    text = sent(data)
    assert EVIL not in text.replace("[.]", ".")
    assert "[withheld]" in text


@pytest.mark.parametrize("kind", ["text", "comment", "other"])
def test_attributes_of_prose_keep_the_rest_of_what_they_say(data: dict[str, Any], kind: str) -> None:
    row = {"uuid": "prose", "id": "8", "type": kind, "value": f"They call {EVIL} at night"}
    data["Event"]["Attribute"].append(row)
    cleared = clear(data, None, GREEN)
    assert cleared.data["Event"]["Attribute"][-1]["value"] == "They call [withheld] at night"
    assert cleared.withheld == "1 attribute withheld: TLP:RED"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("url", f"https://{EVIL}/login?x=1"),
        ("url", f"hxxp://{EVIL}:8080/"),
        ("email-src", f"boss@{EVIL}"),
        ("hostname|port", f"{EVIL}|443"),
        ("snort", f'alert tcp any any -> any any (content:"{EVIL}"; sid:1;)'),
    ],
)
def test_attributes_made_around_a_withheld_value_go_and_are_counted(
    data: dict[str, Any], kind: str, value: str
) -> None:
    for list_name in ("Attribute", "_AttributeFlattened"):
        data["Event"][list_name].append({"uuid": "around", "id": "8", "type": kind, "value": value})
    cleared = clear(data, None, GREEN)
    assert EVIL not in json.dumps(cleared.data)
    assert "fine.example.org" in json.dumps(cleared.data)
    assert "1 attribute withheld: its value quotes one of them" in cleared.withheld


def test_a_withheld_word_takes_no_address_along() -> None:
    data = event_of(["tlp:green"], {"login": ["tlp:red"], "fine.example.org": []})
    data["Event"]["Attribute"].append({"uuid": "u", "type": "url", "value": "https://fine.example.org/login"})
    assert "https://fine.example.org/login" in sent(data)


def test_a_quoted_sentence_and_a_part_of_a_composite() -> None:
    data = event_of(["tlp:green"], {"dropper.exe|d41d8cd98f00b204": ["tlp:red"], "the moon is blue": ["tlp:red"]})
    data["Event"]["EventReport"] = [{"content": "Hash d41d8cd98f00b204; they say: The Moon Is Blue!"}]
    report = clear(data, None, GREEN).data["Event"]["EventReport"][0]
    assert report["content"] == "Hash [withheld]; they say: [withheld]!"


SENTENCE = "Operation Nightfall begins"
PAGE = "https://evil.example/a/b?c=d"


@pytest.mark.parametrize(
    ("value", "text", "left"),
    [
        (SENTENCE, "that operation nightfall\n  begins soon", "that [withheld] soon"),
        (SENTENCE, "_Operation\u00a0Nightfall begins_", "_[withheld]_"),
        (SENTENCE, "Oper\u200bation Ｎightfall “begins”!", "[withheld]”!"),
        ("Caf\u00e9 Noir", "in Cafe\u0301 Noir today", "in [withheld] today"),
        (PAGE, f"see [this]({PAGE}) and url={PAGE}#x", "see [this]([withheld]) and url=[withheld]#x"),
        (PAGE, "see [this](hxxps[:]//evil[.]example/a/b?c=d)", "see [this]([withheld])"),
        ("ceo@evil.example", "mailto:ceo@evil.example, <CEO[at]evil[.]example>", "mailto:[withheld], <[withheld]>"),
        (
            "2001:db8::bad:1",
            "at http://[2001:db8::bad:1]:80/, ip=2001:DB8::bad:1",
            "at http://[[withheld]]:80/, ip=[withheld]",
        ),
        ("a.exe|0cc175b9c0f1b6a831c399e269772661", "|a.exe|0cc175b9c0f1b6a831c399e269772661|", "|[withheld]|"),
    ],
)
def test_a_value_of_several_words_is_found_however_it_is_written(value: str, text: str, left: str) -> None:
    data = event_of(["tlp:green"], {value: ["tlp:red"], "fine.example.org": []})
    data["Event"]["info"] = text
    assert clear(data, None, GREEN).data["Event"]["info"] == left


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a longword", "they say a longword\u0301 often"),
        ("foo " * 70 + "unheard-of", "they say " + "foo " * 70 + "and more \u00fc"),
        ("foo " * 70 + "unheard-of", "they say " + "foo " * 70 + "and more"),
    ],
)
def test_a_quote_that_lacks_the_longest_word_of_the_value(value: str, text: str) -> None:
    data = event_of(["tlp:green"], {value: ["tlp:red"], "fine.example.org": []})
    data["Event"]["info"] = text
    assert clear(data, None, GREEN).data["Event"]["info"].startswith("they say [withheld]")


@pytest.mark.parametrize("piece", ["[", "[[.", " [", "\\\\", " dot ", "h__p", "[.]", " ", "“", "e\u0301", "(at"])
def test_a_text_of_many_signs_takes_no_longer_than_it_is_long(piece: str) -> None:
    def work(number: int) -> float:
        began = time.thread_time()
        Shown(piece * number)
        return time.thread_time() - began

    short = min(work(2_000) for _ in range(3))
    assert work(40_000) < 100 * short + 0.2


def test_what_a_quote_takes_along_is_counted_where_it_is() -> None:
    data = event_of(["tlp:green"], {EVIL: ["tlp:red"], f"see {EVIL}/x": []})
    data["Event"]["Attribute"][1]["type"] = "url"
    others = [{"uuid": "o", "type": "url", "value": "https://fine.example.org/"}]
    assert "quotes" in clear(data, None, GREEN).withheld
    assert clear(data, others, GREEN).withheld == ""


def test_many_sentences_withheld_and_many_texts_kept() -> None:
    secret = {f"the secret sentence number {n}": ["tlp:red"] for n in range(3000)}
    data = event_of(["tlp:green"], {**secret, **{f"kept-{n}": [] for n in range(3000)}})
    for n, row in enumerate(data["Event"]["Attribute"]):
        row["comment"] = f"(The secret sentence number {n}) and more, number {n}"
    kept = clear(data, None, GREEN).data["Event"]["Attribute"]
    assert kept[5]["comment"] == "(The secret sentence number 3005) and more, number 3005"
    data["Event"]["info"] = "He said: the secret SENTENCE number 2999!"
    assert clear(data, None, GREEN).data["Event"]["info"] == "He said: [withheld]!"


def test_a_value_that_another_attribute_may_show_is_not_hidden() -> None:
    data = event_of(["tlp:green"], {EVIL: ["tlp:red"]})
    again = {"uuid": "another", "id": "77", "type": "hostname", "value": EVIL}
    data["Event"]["Attribute"].append(again)
    data["Event"]["info"] = f"About {EVIL}"
    event = clear(data, None, GREEN).data["Event"]
    assert [row["id"] for row in event["Attribute"]] == ["77"]
    assert event["info"] == f"About {EVIL}"


@pytest.mark.parametrize("shape", ["rows", "holes", "data", "values", "bare rows"])
def test_the_selection_is_judged_too(data: dict[str, Any], shape: str) -> None:
    rows = copy.deepcopy(data["Event"]["Attribute"])
    bare = [{"uuid": row["uuid"], "type": row["type"], "value": row["value"]} for row in rows]
    selected: Any = {
        "rows": rows,
        "holes": {"0": rows[0], "3": rows[1]},
        "data": copy.deepcopy(data),
        "values": [EVIL, "fine.example.org"],
        "bare rows": bare,
    }[shape]
    cleared = clear(data, selected, GREEN)
    text = json.dumps(cleared.selected)
    assert EVIL not in text
    assert "fine.example.org" in text
    assert cleared.withheld == ("" if shape == "values" else "1 attribute withheld: TLP:RED")


def test_the_sentence_speaks_of_the_selection() -> None:
    data = event_of(["tlp:green"], {"a": ["tlp:red"], "b": ["tlp:red"], "c": []})
    rows = data["Event"]["Attribute"]
    assert clear(data, rows[1:], GREEN).withheld == "1 attribute withheld: TLP:RED"
    assert clear(data, rows[2:], GREEN).withheld == ""
    assert clear(data, None, GREEN).withheld == "2 attributes withheld: TLP:RED"


def test_selected_values_that_only_a_withheld_item_has() -> None:
    data = event_of(["tlp:green"], {EVIL: ["tlp:red"], "fine.example.org": []})
    for rows in (data["Event"]["Attribute"], data["Event"]["_AttributeFlattened"]):
        rows[0]["comment"] = "our man inside"
        rows[1]["comment"] = "open source"
    assert clear(data, ["our man inside", "open source"], GREEN).selected == ["open source"]


def test_the_chatham_house_rule_hides_the_source() -> None:
    data = event_of(["tlp:green", "tlp:ex:chr"], {"a": []})
    data["Event"] |= {
        "Orgc": {"id": "1", "name": "Whistle Ltd", "uuid": "u-1"},
        "orgc_id": "41",
        "event_creator_email": "ann@whistle.example.org",
        "Galaxy": [{"GalaxyCluster": [{"authors": ["MITRE"], "Org": {"name": "MISP"}}]}],
    }
    event = clear(data, None, GREEN).data["Event"]
    assert "histle" not in json.dumps(event)
    assert event["Orgc"] == {"name": "withheld (TLP:EX:CHR)"}
    assert event["orgc_id"] == event["event_creator_email"] == "", "what was a text stays one"
    assert event["Galaxy"][0]["GalaxyCluster"][0]["authors"] == ["MITRE"]


def test_a_post_in_a_narrow_thread(captures: dict[str, Any]) -> None:
    data = copy.deepcopy(captures["post-after-save"]["data"])
    data["Event"]["distribution"] = "3"
    with pytest.raises(ClearanceError, match="this community only"):
        clear(data, None, Destination(distribution=2))


def test_captured_requests_keep_what_is_red_at_home(captures: dict[str, Any]) -> None:
    seen = 0
    for request in captures.values():
        red = {row["value"] for row in all_rows(request["data"]) if "tlp:red" in json.dumps(row.get("Tag", ""))}
        open_ones = {row["value"] for row in all_rows(request["data"])} - red
        text = json.dumps(clear(request["data"], None, Destination()).data)
        assert not [value for value in red - open_ones if value in text]
        assert all(json.dumps(value) in text for value in open_ones)
        seen += len(red)
    assert seen, "the captures must hold something at TLP:RED"


def all_rows(data: Any) -> list[dict[str, Any]]:
    event = data.get("Event", {})
    return [*event.get("_AttributeFlattened", []), *event.get("Attribute", [])]


def test_one_object_in_several_places_is_judged_in_each(data: dict[str, Any]) -> None:
    """JSON never has this, a caller in Python may: the same tag, galaxy or attribute, not a copy of it."""
    red, galaxy = {"name": "tlp:red"}, {"name": "Country", "description": f"see {EVIL}"}
    rows = data["Event"]["Attribute"]
    rows += [
        {"id": "8", "type": "text", "value": "first.example.org", "Tag": [red]},
        {"id": "9", "type": "text", "value": "second.example.org", "Tag": [red]},
        {"id": "10", "type": "text", "value": "kept.example.org", "Galaxy": [galaxy], "Tag": []},
    ]
    data["Event"]["Object"] = [{"id": "3", "name": "file", "Attribute": [{"id": "11", "Galaxy": [galaxy]}]}]
    text = sent(data)
    for value in (EVIL, "first.example.org", "second.example.org"):
        assert value not in text
    assert text.count("kept.example.org") == 1
    assert text.count("see [withheld]") == 2
