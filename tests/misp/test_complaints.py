"""Which answers of status 200 are a no: held against what a running MISP answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.delivery.changes.look import trouble_in, trouble_unless_yes

RECORDED = Path(__file__).parent / "recorded"


def answers(found: Any) -> Iterator[dict[str, Any]]:
    """Yield each thing with `saved` in the recordings, however deep."""
    if isinstance(found, dict):
        if "saved" in found:
            yield found
        for one in found.values():
            yield from answers(one)
    elif isinstance(found, list):
        for one in found:
            yield from answers(one)


SAID = [one for file in sorted(RECORDED.glob("*.json")) for one in answers(json.loads(file.read_text()))]


def test_each_recorded_answer_is_read_as_misp_means_it() -> None:
    kinds = {(one["saved"], bool(one.get("success")), bool(trouble_in(one))) for one in SAID}
    assert kinds == {(True, True, False), (True, False, False), (False, False, True), (False, True, False)}


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ({"saved": False, "success": "No sightings added."}, ""),
        ({"success": True, "errors": []}, ""),
        ([], ""),
        (None, ""),
        ({"errors": "not now"}, "MISP says: not now"),
        ({"saved": False, "message": "not now"}, "MISP says: not now"),
        ({"saved": False, "name": "not now"}, "MISP says: not now"),
        ({"saved": False}, "MISP says: not saved"),
        ({"Event": {"id": "1"}, "errors": {"value": ["no address"]}}, "MISP says: value: no address"),
    ],
)
def test_a_complaint_is_told_in_misps_words(said: Any, trouble: str) -> None:
    assert trouble_in(said) == trouble


@pytest.mark.parametrize(
    "said", [{}, [], None, True, "x", {"Event": {"id": "1"}}, {"saved": "no"}, [{"Tag": {"id": "9"}}]]
)
def test_what_does_not_say_yes_is_none_where_misp_always_says_it(said: Any) -> None:
    assert trouble_unless_yes(said) == "MISP's answer does not say whether that was done"


def test_each_recorded_yes_is_one() -> None:
    assert {trouble_unless_yes(one) for one in SAID if one["saved"]} == {""}
    assert trouble_unless_yes({"saved": False, "message": "not now"}) == "MISP says: not now"
