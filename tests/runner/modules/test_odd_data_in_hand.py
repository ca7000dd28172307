"""What a module meets where the data in hand is no event as MISP has them: it is left as it is, and described."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.runner.data import coreformat, wire
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.modules import inhand
from misp_workflow.runner.modules.texts import short

EDITED: list[dict[str, Any]] = [{"id": "1", "value": "new"}]
OLDEST, NEWER = profile("2.5.1"), profile("2.5.19")


@pytest.mark.parametrize("data", [{}, [], {"Event": "a text"}, {"Event": None}, {"Other": [{"id": "1"}]}])
def test_an_edit_finds_nothing_where_there_is_no_event(data: Any) -> None:
    assert inhand.write_back(data, EDITED, OLDEST) is data


@pytest.mark.parametrize("part", ["a text", None, 1, [], ["a text"], {"5": "a text"}])
def test_an_edit_leaves_what_is_no_row(part: Any) -> None:
    event = {
        "Attribute": part,
        "_AttributeFlattened": [{"id": "1", "value": "old"}],
        "Object": [None, {"name": "file"}],
    }
    done = inhand.write_back({"Event": event}, EDITED, OLDEST)["Event"]
    assert done == {**event, "_AttributeFlattened": EDITED}
    assert done["Attribute"] is part and done["Object"] is event["Object"]


def test_an_edit_in_a_list_with_holes_keeps_its_keys() -> None:
    event = {"Attribute": {"3": {"id": "1", "value": "old"}, "7": {"id": "2", "value": "kept"}}}
    done = inhand.write_back({"Event": event}, EDITED, OLDEST)["Event"]
    assert done["Attribute"] == {"3": EDITED[0], "7": event["Attribute"]["7"]}


@pytest.mark.parametrize("reports", ["a text", 1, {"1": "a text"}, ["a text", None]])
def test_reports_that_are_no_rows_stay(reports: Any) -> None:
    converted = coreformat.convert({"Event": {"id": "1"}, "Orgc": {}, "EventReport": reports}, "event", misp=NEWER)
    assert converted["Event"]["EventReport"] == reports


def test_reports_bear_the_tags_of_the_event_and_their_own() -> None:
    row = {
        "Event": {"id": "1"},
        "EventTag": [{"Tag": {"name": "tlp:red"}}],
        "EventReport": [{"id": "9", "SharingGroup": [], "EventReportTag": [{"Tag": {"name": "own", "org_id": "0"}}]}],
    }
    (report,) = coreformat.convert(row, "event", misp=NEWER)["Event"]["EventReport"]
    assert report["Tag"] == [{"name": "own"}] and "SharingGroup" not in report and "EventReportTag" not in report
    assert [(tag["name"], tag["inherited"]) for tag in report["_allTags"]] == [("tlp:red", True), ("own", False)]


def test_what_json_cannot_hold_is_described_all_the_same() -> None:
    assert short("\ud800") == "a value that JSON cannot hold"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_without_end_is_null(value: float) -> None:
    # With an empty object beside it the value is looked through once more, and is to come out the same.
    assert wire.encode([value]) == b"[null]" and wire.encode([value, {}]) == b"[null,[]]"
