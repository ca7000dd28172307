"""One reader of tags: what marks, in whatever spelling, is never taken for unmarked, by nobody who reads tags."""

from __future__ import annotations

from typing import Any

import pytest
from guard_events import event_of

from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.rules import Subject
from misp_workflow.action.rules.checks import reasons
from misp_workflow.delivery import guard
from misp_workflow.delivery.guard import ClearanceError
from misp_workflow.delivery.guard.marks import Rule, names_of
from misp_workflow.event import View, marking
from misp_workflow.markings import PAP_LEVELS, TLP_LEVELS, UNKNOWN, read_tag
from misp_workflow.settings import Destination, Settings
from misp_workflow.template import render

READ = {
    "TLP_2_0_AMBER_STRICT": "amber+strict",
    "TLP 2,0: GREEN": "green",
    "TLP (2022): AMBER": "amber",
    "TLP2RED": "red",
    "🆃🅻🅿:🆁🅴🅳": "red",
    "🇹🇱🇵 🇷🇪🇩": "red",
    "ŧłp:ɍɇđ": "red",
    "TLP&colon;RED": "red",
    "tlp&#58;red": "red",
    "Trafic Lights Protocol: RED": "red",
    'iep:traffic-light-protocol="RED"': "red",
    'iep:traffic-light-protocol="AMBER"': "amber",
    'iep2-policy:tlp="red"': "red",
    'ais-marking:TLPMarking="GREEN"': "green",
    "Traffic Light Protocol: RED": "red",
    "traffic_light=amber": "amber",
    "TLPv2:RED": "red",
    "TLP2.0 GREEN": "green",
    "tlp-2.0:red": "red",
    "tlp:2.0:clear": "clear",
    "TLP (v2) AMBER": "amber",
    "[TLP:RED]": "red",
    "{tlp} red": "red",
    "T.L.P.: green": "green",
    "TLPRED": "red",
    "RED (TLP)": "red",
    "acme:TLP-RED": "red",
    "MISP:TLP_AMBER": "amber",
    "TLP level: green": "green",
    "TLP 2.0 AMBER+STRICT": "amber+strict",
    "tlp:amber (strict)": "amber+strict",
    "tlp–red": "red",  # an en dash
    "tlp∶red": "red",  # a ratio sign
    "ТLР:RЕD": "red",  # Cyrillic
    "τλρ:red": "red",  # Greek, with a letter that looks like none of ours
    "tӏp:red": "red",  # Cyrillic palochka
    "t1p:red": "red",
    "tlp:гed": "red",
    "ŧ̶l̶p:red": "red",
    "TLP:RED\x00": "red",
    "TLP:\nRED": "red",
    "TLP written: RED": "red",
    "TLP is set to amber": "amber",
    "TLP of this event is: amber strict": "amber+strict",
    "TLP assigned by the CERT: GREEN": "green",
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
    'stix:object_marking_refs="marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"': "amber",
    "MARKING-DEFINITION--E828B379-4E03-4974-9AC4-E53A884C97C1": "red",
    "marking-tlp--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421, 34098fce-860f-48ae-8e50-ebd3cc5e41da": "amber",
}
UNREADABLE = (
    "tlp status red",
    "tlp-code-green",
    "tlp status red - board only",
    "tlp-code-green-level",
    "not tlp:green",
    "no-TLP:WHITE",
    "tlp:!green",
    "tlp:>=green",
    "TLP ≠ GREEN",
    "tlp:purple",
    "tlp",
    "[TLP]",
    "TLP PURPLE",
    "TLP RED - board only",
    "TLP:GREEN (see TLP:RED)",
    "tlp:green unless asked",
    "tlp:r3d",
    "TLPv2:",
    "Traffic Light Protocol: mauve",
    "tlp " * 60,
    'nato:classification="NS"',
    'dni-ism:classification:all="TS"',
    'de-vs:einstufung="VS-NfD"',
    'fr-classif:classifiees="SECRET"',
    "euci:TS-UE/EU-TS",
    "TLP written: RED by the board",
    "marking-definition--00000000-407d-48c7-9eca-b8e91df99dc9",
    'stix:marking-definition="statement"',
    "TLP whitepaper",
    "TLP white paper",
    "tlp:whitepaper 2026",
    "TLP green papers",
    "TLP2RED paper",
    "TLP2RED - board only",
)
SILENT = (
    "no tlp",
    'misp-galaxy:tool="Newspaper Red"',
    "check-tlp!",
    "respect TLP! please",
    "white paper! 2026",
    "papaya >= 3",
    "tlp-review-pending",
    "tlprelated",
    'workflow:todo="check-tlp"',
    'misp-galaxy:tool="red"',
    'misp-galaxy:threat-actor="APT TLP"',
    "tip:ransomware",
    "papers:red tape",
    "newspaper:red",
    "wallpaper=green",
    "tlp-review:todo",
    "Traffic light project red team",
    "TLP reviewed by red-team",
    "00000000-407d-48c7-9eca-b8e91df99dc9",
    "data-marking:none",
    'acme:colour="red"',
    "red",
    'nato:classification="NU"',
    'dni-ism:classification:all="U"',
    'fr-classif:non-classifiees="NON-PROTEGE"',
    'iep:permitted-actions="NONE"',
)
PAP = {
    "PAP:RED": "red",
    "pap-2:amber": "amber",
    "Permissible Actions Protocol: RED": "red",
    'acme:permissible-actions-protocol="green"': "green",
    "P.A.P: white": "clear",
    "РАР:RED": "red",  # Cyrillic
    "pap:purple": "red",
    "PAP": "red",
    "PAP written: RED": "red",
    "pap is green": "green",
    "PAP (written out): AMBER": "amber",
    "PAP green paper": "red",
    "PAPgreen": "green",
    "PAP2AMBER": "amber",
    "Permissible Actions: green": "green",
    "PAP2GREEN for all": "red",
}


@pytest.mark.parametrize(("name", "level"), READ.items())
def test_a_spelling_is_read(name: str, level: str) -> None:
    mark = read_tag(name)
    assert (TLP_LEVELS[mark.tlp], mark.note, mark.pap) == (level, "", UNKNOWN)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_marking_that_cannot_be_read_counts_as_the_strictest(name: str) -> None:
    mark = read_tag(name)
    assert TLP_LEVELS[mark.tlp] == "red"
    assert mark.note == name[:40]


@pytest.mark.parametrize("name", SILENT)
def test_what_only_speaks_of_a_scheme_is_no_marking(name: str) -> None:
    assert read_tag(name).tlp == UNKNOWN
    assert read_tag(name).pap == UNKNOWN


@pytest.mark.parametrize(("name", "level"), PAP.items())
def test_pap_is_read_the_same_way(name: str, level: str) -> None:
    mark = read_tag(name)
    assert (PAP_LEVELS[mark.pap], mark.tlp) == (level, UNKNOWN)


def test_both_schemes_in_one_tag() -> None:
    mark = read_tag("TLP:GREEN PAP:RED")
    assert (TLP_LEVELS[mark.tlp], PAP_LEVELS[mark.pap]) == ("green", "red")


@pytest.mark.parametrize("name", [*(name for name, level in READ.items() if level == "red"), *UNREADABLE])
def test_guard_gates_templates_and_messages_agree(name: str) -> None:
    data = event_of([name], {"a": []})
    with pytest.raises(ClearanceError, match="TLP:RED"):
        guard.admit(data, None, Destination())
    assert marking([name], "tlp") == "red"
    assert render("{{ event|tlp }}", {"event": data["Event"]}, "plain") == "TLP:RED"
    call = Call(Params(), data, None, Settings(), "")
    assert call.summary.tlp == "red"
    assert broken(data, forbidden_tags=("tlp:red",)) == [f"the tag '{name}' is forbidden"]
    data["Event"]["Attribute"][0]["type"] = "email-src"
    assert len(broken(data, forbidden_together=("tlp:red email*",))) == 1


@pytest.mark.parametrize("name", [name for name, level in READ.items() if level == "red"])
def test_patterns_of_gates_find_every_spelling(name: str) -> None:
    data = event_of([name], {"a": []})
    data["Event"]["Attribute"][0]["type"] = "email-src"
    assert broken(data, required_tags=("tlp:*",)) == []
    assert len(broken(data, forbidden_together=("*:red email*",))) == 1


def test_tlp_once_counts_spellings_and_refuses_what_nobody_can_read() -> None:
    def once(*names: str) -> list[str]:
        return broken(event_of(list(names), {}), exactly_one_tlp=True)

    assert once("Traffic Light Protocol: RED") == []
    assert once("TLPv2:RED", "tlp:green") == ["it has 2 TLP tags (TLPv2:RED, tlp:green)"]
    assert once("tlp:purple") == ["'tlp:purple' is no TLP level"]
    assert once("tlp:ex:chr") == ["'tlp:ex:chr' is no TLP level"]
    assert once("tlp-review-pending") == ["it has no TLP tag"]


def broken(data: dict[str, Any], **values: Any) -> list[str]:
    return reasons(Params(**values), Subject(View(data), lambda expression: True))


OURS = "7b2d5c3a-1111-4222-8333-944444444444"
OTHER = "aaaaaaaa-1111-4222-8333-944444444444"


@pytest.mark.parametrize(
    ("settings", "group", "goes"),
    [
        ((OURS, "7"), {"id": "99", "uuid": OTHER, "name": "Other"}, False),
        ((OURS, "7"), {"id": "99", "uuid": OTHER, "name": OURS}, False),
        ((OURS, "7"), {"id": "99", "uuid": OTHER, "name": "7"}, False),
        ((OURS, "7"), {"id": "99", "uuid": "7", "name": "7"}, False),
        ((OURS, "7"), {"id": OURS, "uuid": OTHER, "name": "x"}, False),
        ((OURS, "7"), {"id": "7", "uuid": OTHER, "name": "x"}, True),
        ((OURS, "7"), {"id": "99", "uuid": OURS.upper(), "name": "x"}, True),
        (("Friends",), {"id": "99", "uuid": OTHER, "name": "Friends"}, True),
        (("name:7",), {"id": "99", "uuid": OTHER, "name": "7"}, True),
        (("name:7",), {"id": "7", "uuid": OTHER, "name": "x"}, False),
    ],
)
def test_a_sharing_group_is_known_by_number_uuid_or_name_and_never_by_another_of_them(
    settings: tuple[str, ...], group: dict[str, str], goes: bool
) -> None:
    data = event_of(["tlp:clear"], {"a": []})
    data["Event"] |= {"distribution": "4", "sharing_group_id": group["id"], "SharingGroup": group}
    place = Destination(distribution=2, sharing_groups=settings)
    if goes:
        assert guard.admit(data, None, place).data["Event"]["Attribute"]
    else:
        with pytest.raises(ClearanceError, match="sharing group"):
            guard.admit(data, None, place)


@pytest.mark.parametrize(
    "tags",
    [
        {"name": "a", "colour": "#000000"},
        {"Tag": {"name": "a"}, "tag_id": "7"},
        {"0": {"name": "a"}, "3": {"id": "5"}},
        [{"Tag": {"name": "a"}}, {"name": 5}],
        ["a", None],
        "a",
    ],
)
def test_of_a_tag_only_its_name_is_one(tags: Any) -> None:
    assert names_of(tags) == ["a"]


@pytest.mark.parametrize(("level", "reason"), [(9, "distribution “unknown”"), ("x", "distribution “unknown”"), (3, "")])
def test_a_distribution_that_nobody_knows_is_none_that_may_go(level: Any, reason: str) -> None:
    assert Rule(Destination(distribution=1)).reason({"distribution": level}) == reason
    assert Rule(Destination()).reason({"distribution": level}) == ""


RED = {"id": "9", "name": "tlp:red"}


@pytest.mark.parametrize(
    ("member", "held"),
    [
        ("Tag", RED),
        ("Tag", {"1": RED}),
        ("Tag", ["tlp:red"]),
        ("Tag", "tlp:red"),
        ("Tag", {"3": "tlp:red"}),
        ("Tag", [{"Tag": RED}]),
        ("EventTag", [{"tag_id": "9", "Tag": {"1": RED}}]),
        ("EventTag", [{"tag_id": "9", "Tag": "tlp:red"}]),
        ("EventTag", {"2": {"tag_id": "9", "Tag": [RED]}}),
        ("Tags", [RED]),
    ],
)
def test_gates_and_the_clearance_read_tags_however_they_are_held(member: str, held: Any) -> None:
    data = event_of([], {})
    data["Event"] = {**data["Event"], "Tag": [{"name": "tlp:green"}], member: held}
    with pytest.raises(ClearanceError, match="TLP:RED"):
        guard.admit(data, None, Destination())
    subject = Subject(View(data), lambda _: True)
    assert reasons(Params(forbidden_tags=("tlp:red",)), subject), "or that they cannot be judged"
    on_row = View({"Event": {"info": "x", "Attribute": [{"value": "a", member: held}]}})
    assert on_row.all_tags == ["tlp:red"]
