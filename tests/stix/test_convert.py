"""STIX made of events: nothing of now, nothing withdrawn that lives, a marking on every object, a count of the rest."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from typing import Any

import pytest
from stix_kit import EVENT, ORG, attribute, event, file_object, uid

from misp_workflow.delivery import stix

pytestmark = pytest.mark.usefixtures("misp_stix")
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
AMBER_STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"


def by_id(made: stix.Converted) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in made.objects}


def levels(made: stix.Converted, number: int) -> set[tuple[str, ...]]:
    return {tuple(one.get("object_marking_refs", ())) for id_, one in by_id(made).items() if uid(number) in id_}


def test_an_attribute_is_an_indicator_with_what_was_observed() -> None:
    made = stix.convert(event(attribute(1)))
    found = by_id(made)
    indicator = found[f"indicator--{uid(1)}"]
    assert indicator["pattern"] == "[domain-name:value = 'n1.example']" and "revoked" not in indicator
    assert found[f"observed-data--{uid(1)}"]["object_refs"] == [f"domain-name--{uid(1)}"]
    assert found[f"report--{EVENT}"]["name"] == "stix" and made.left_out == {}
    assert made.bundle["id"] == f"bundle--{EVENT}"


def test_the_same_event_is_the_same_bundle_twice_and_none_of_its_times_is_now() -> None:
    sighting = {
        "uuid": uid(50),
        "type": "0",
        "date_sighting": "1767312000",
        "Organisation": {"uuid": uid(51), "name": "X"},
    }
    data = event(
        attribute(1, timestamp=None, Sighting=[sighting]),
        Object=[file_object(attribute(2, "sha256", "a" * 64, object_relation="sha256"))],
    )
    before = json.dumps(data)
    first = stix.convert(data).bundle
    time.sleep(0.002)
    assert json.dumps(first) == json.dumps(stix.convert(data).bundle)
    times = [value for one in first["objects"] for name, value in one.items() if name in ("created", "modified")]
    assert max(times) < "2026-01-03" and json.dumps(data) == before


@pytest.mark.parametrize("missing", [{"timestamp": None}, {"timestamp": "0"}, {"timestamp": None, "date": None}])
def test_an_event_without_a_time_has_one_of_its_own(missing: dict[str, Any]) -> None:
    data = event(attribute(1, timestamp=None), **missing)
    assert stix.convert(data).bundle == stix.convert(data).bundle
    assert max(one["modified"] for one in stix.convert(data).objects if "modified" in one) < "2026-01-03"


@pytest.mark.parametrize("deleted", [True, "1", 1])
def test_what_is_deleted_is_revoked_and_later_than_it_was(deleted: Any) -> None:
    before = by_id(stix.convert(event(attribute(1))))
    after = by_id(stix.convert(event(attribute(1, deleted=deleted))))
    for id_ in (f"indicator--{uid(1)}", f"observed-data--{uid(1)}"):
        assert after[id_]["revoked"] is True and after[id_]["modified"] > before[id_]["modified"]
        assert after[id_]["created"] == before[id_]["created"]
    (joined,) = [one for one in after.values() if one["type"] == "relationship"]
    assert joined["revoked"] is True and "revoked" not in after[f"report--{EVENT}"]


def test_what_is_withdrawn_but_stays_in_misp_is_revoked_as_of_the_call() -> None:
    made = stix.convert(event(attribute(1), attribute(2)), withdrawn=[uid(1).upper()], at=1767400000)
    found = by_id(made)
    gone, stays = found[f"indicator--{uid(1)}"], found[f"indicator--{uid(2)}"]
    assert gone["revoked"] is True and gone["modified"] == "2026-01-03T00:26:40.001Z"
    assert gone["valid_from"] < gone["valid_until"] <= gone["modified"]
    assert "revoked" not in found[f"observed-data--{uid(1)}"], "that it was seen is still true"
    assert "revoked" not in stays and stays["modified"] < gone["modified"]


def test_what_is_not_for_detection_any_more_is_revoked_as_misp_said() -> None:
    rows = [attribute(1, to_ids=False, timestamp="1767312100")]
    first, second = (stix.convert(event(*rows), withdrawn=[uid(1)], at=at).bundle for at in (1767400000, 1767500000))
    assert first == second, "a call more is no version more"
    (indicator,) = [one for one in first["objects"] if one["type"] == "indicator"]
    assert indicator["revoked"] is True and indicator["modified"] == "2026-01-02T00:01:40.001Z"


def test_an_object_goes_when_nothing_of_it_stands_and_changes_when_something_goes() -> None:
    rows = [attribute(n, "sha256", f"{n}" * 64, object_relation="sha256") for n in (1,)]
    rows += [attribute(2, "filename", "evil.exe", object_relation="filename")]
    pattern = lambda made: by_id(made)[f"indicator--{uid(900)}"]  # noqa: E731
    both = pattern(stix.convert(event(Object=[file_object(*rows)])))
    assert "evil.exe" in both["pattern"]
    rows[1] |= {"deleted": True, "timestamp": "1767312100"}
    one = pattern(stix.convert(event(Object=[file_object(*rows)])))
    assert "evil.exe" not in one["pattern"] and "revoked" not in one and one["modified"] > both["modified"]
    rows[0] |= {"to_ids": False, "timestamp": "1767312200"}
    none = pattern(stix.convert(event(Object=[file_object(*rows)]), withdrawn=[uid(1)]))
    assert none["revoked"] is True and none["modified"] > one["modified"]
    assert pattern(stix.convert(event(Object=[file_object(*rows, deleted=True)])))["revoked"] is True


def test_an_event_that_goes_takes_everything_along() -> None:
    made = stix.convert(event(attribute(1)), everything_gone=True, at=1767400000)
    versioned = [one for one in made.objects if "modified" in one and one["type"] != "identity"]
    assert len(versioned) == 4 and all(one["revoked"] and one["modified"] > "2026-01-03" for one in versioned)


def test_what_comes_back_is_a_version_after_the_one_that_took_it_back() -> None:
    made = stix.convert(event(attribute(1), attribute(2)), later_than={uid(1): 1767400000.5})
    assert made.indicator(uid(1))["modified"] == "2026-01-03T00:26:40.501Z"  # type: ignore[index]
    assert made.indicator(uid(2))["modified"] == "2026-01-02T00:00:00.000Z"  # type: ignore[index]


@pytest.mark.parametrize("said", ["false", "0", 0, None, False])
def test_what_is_not_for_detection_is_no_indicator(said: Any) -> None:
    made = stix.convert(event(attribute(1, to_ids=said)))
    assert made.indicator(uid(1)) is None and f"observed-data--{uid(1)}" in by_id(made)


@pytest.mark.parametrize("tag", ["tlp:red", "TLP:RED", "tlp: red", "TLP-Red"])
def test_a_marking_is_on_every_object_however_it_is_written(tag: str) -> None:
    made = stix.convert(
        event(
            attribute(1),
            Tag=[{"name": tag}, {"name": "osint:x"}],
            Object=[file_object(attribute(2, "md5", "a" * 32, object_relation="md5"))],
        )
    )
    assert len(made.objects) > 8
    for one in made.objects:
        assert one["type"] == "marking-definition" or one["object_marking_refs"] == [RED], one
        assert tag not in one.get("labels", ())
    assert RED in by_id(made) and "osint:x" in by_id(made)[f"report--{EVENT}"]["labels"]


def test_each_attribute_has_the_stricter_one_of_its_own_and_the_events() -> None:
    rows = [
        attribute(1, Tag=[{"name": "tlp:red"}]),
        attribute(2, Tag=[{"name": "tlp:green"}]),
        attribute(3, "ip-src|port", "192.0.2.1|53", Tag=[{"name": "TLP:AMBER+STRICT"}]),
    ]
    made = stix.convert(event(*rows, Tag=[{"name": "tlp:amber"}]))
    assert levels(made, 1) == {(RED,)} and levels(made, 2) == {(AMBER,)} and levels(made, 3) == {(AMBER_STRICT,)}
    assert by_id(made)[f"report--{EVENT}"]["object_marking_refs"] == [AMBER]
    joined = {one["source_ref"]: one["object_marking_refs"] for one in made.objects if one["type"] == "relationship"}
    assert joined[f"indicator--{uid(1)}"] == [RED]


def test_pap_marks_as_well_and_what_nobody_can_read_is_the_strictest() -> None:
    made = stix.convert(event(attribute(1, Tag=[{"name": "PAP:RED"}])))
    ((marked,),) = levels(made, 1)
    assert by_id(made)[marked]["definition"] == {"statement": "PAP:RED"}
    assert levels(stix.convert(event(attribute(1), Tag=[{"name": "tlp:purple"}])), 1) == {(RED,)}
    assert levels(stix.convert(event(attribute(1))), 1) == {()}


def test_what_the_library_leaves_out_is_named() -> None:
    bad = [
        attribute(1, value="intranet"),
        attribute(2, "ip-src", "999.1.1.1"),
        attribute(3, "md5", "xyz"),
        attribute(4, "no-such-type", "x"),
    ]
    inner = file_object(
        attribute(5, "md5", "xyz", object_relation="md5"), attribute(6, "sha256", "a" * 64, object_relation="sha256")
    )
    made = stix.convert(event(*bad, attribute(7), {"type": "domain", "value": "x.example"}, Object=[inner]))
    assert {*made.left_out} >= {uid(n) for n in (1, 2, 3, 4, 5)} and len(made.left_out) == 6
    assert not {uid(6), uid(7)} & made.left_out.keys() and made.of(uid(1)) == []
    assert not any("xyz" in why or "intranet" in why for why in made.left_out.values())


def test_a_category_that_nobody_knows_costs_nothing() -> None:
    made = stix.convert(event(attribute(1, category="Nonsense"), attribute(2)))
    assert made.left_out == {} and made.indicator(uid(1)) and made.indicator(uid(2))


def test_a_doubled_attribute_is_there_once() -> None:
    ids = [one["id"] for one in stix.convert(event(attribute(1), attribute(1))).objects]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("orgc", [{}, None, {"name": "withheld (TLP:EX:CHR)"}, {"uuid": "", "name": "CERT"}])
def test_an_event_always_has_a_creator_and_is_a_report(orgc: Any) -> None:
    made = stix.convert(event(attribute(1), Orgc=orgc, published=False, publish_timestamp=None))
    creator = by_id(made)[f"report--{EVENT}"]["created_by_ref"]
    assert by_id(made)[creator]["name"] == ((orgc or {}).get("name") or "unknown organisation")


def test_of_an_attribute_there_is_what_it_refers_to_and_nothing_else() -> None:
    found = {one["id"] for one in stix.convert(event(attribute(1), attribute(2), Tag=[{"name": "tlp:red"}])).of(uid(1))}
    assert {f"indicator--{uid(1)}", f"domain-name--{uid(1)}", f"identity--{ORG}", RED} <= found
    assert not any(uid(2) in id_ or EVENT in id_ for id_ in found)


def test_php_lists_with_holes_are_lists() -> None:
    data = event(EventReport={"0": {"uuid": uid(70), "name": "r", "content": "c", "timestamp": "1767312000"}})
    data["Event"]["Attribute"] = {"0": attribute(1), "7": attribute(2)}
    found = by_id(stix.convert(data))
    assert {f"indicator--{uid(1)}", f"indicator--{uid(2)}", f"note--{uid(70)}"} <= found.keys()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("threat_level_id", []),
        ("threat_level_id", -1),
        ("analysis", {"a": 1}),
        ("distribution", "9"),
        ("Galaxy", [{"name": None, "type": "x", "GalaxyCluster": [{"value": "y"}]}]),
        ("Note", [{"uuid": 7, "note": "x"}]),
    ],
)
def test_a_member_of_the_event_that_misp_would_not_send_is_named(member: str, value: Any) -> None:
    with pytest.raises(stix.StixError, match=f"its {member} is not as MISP sends it"):
        stix.convert(event(attribute(1), **{member: value}))


def test_an_attribute_of_which_something_cannot_be_read_is_left_out_and_the_others_are_there() -> None:
    seen = {"uuid": uid(71), "type": "0", "date_sighting": "1767312000", "Organisation": 7}
    broken = file_object(attribute(3, "filename", "a.exe", object_relation=-1))
    made = stix.convert(event(attribute(1), attribute(2, Sighting=[seen]), Object=[broken]))
    assert f"indicator--{uid(1)}" in by_id(made) and f"indicator--{uid(2)}" not in by_id(made)
    assert {uid(2), uid(3)} == {*made.left_out} and "misp-stix cannot read" in made.left_out[uid(2)]


@pytest.mark.parametrize("data", [{}, {"Event": {}}, {"Event": {"uuid": "7"}}, {"Event": []}])
def test_what_names_no_event_is_an_error_in_words(data: Any) -> None:
    with pytest.raises(stix.StixError, match="names no event"):
        stix.convert(data)


def test_an_empty_event_is_a_report_too() -> None:
    assert f"report--{EVENT}" in by_id(stix.convert({"Event": {"uuid": EVENT}}))


def test_no_value_of_an_event_gets_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        stix.convert(event(attribute(1, "md5", "secret-value")))
    assert "secret-value" not in caplog.text


def test_a_stub_is_a_revoked_indicator_that_any_reader_takes() -> None:
    stix2 = pytest.importorskip("stix2")
    made = stix.stub(uid(1), 1767400000)
    assert made == stix.stub(uid(1), 1767400000) and stix2.parse(made).revoked is True
    assert stix2.parse(stix.convert(event(attribute(1, deleted=True))).bundle, allow_custom=True).objects


def test_a_library_that_is_not_there_is_said_with_what_to_do() -> None:
    program = (
        "import sys; sys.modules['misp_stix_converter'] = None\n"
        "from misp_workflow.delivery import stix\n"
        f"try:\n    stix.convert({{'Event': {{'uuid': '{EVENT}'}}}})\n"
        "except stix.StixMissingError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "pip install 'misp-workflow-actions[stix]'" in said
