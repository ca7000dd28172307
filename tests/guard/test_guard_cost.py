"""Guarding an event costs little more than the C parser takes to read it, however large it is."""

from __future__ import annotations

import copy
import gc
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from misp_workflow.delivery.guard import admit
from misp_workflow.delivery.guard.spelling import Shown, plain
from misp_workflow.markings import _read
from misp_workflow.settings import Destination

MOST_ROUNDS = 40
"""Rounds that the two may be measured in turns before a ratio counts as too high: another program may have been in the
way of all rounds so far, and never makes anything faster."""


def ratio(work: Callable[[], Any], yardstick: Callable[[], Any], enough: float) -> float:
    """Return how many times as long as the yardstick the work takes, by the fastest runs of both; stop at `enough`."""
    fastest = [math.inf, math.inf]
    tracer = sys.gettrace()
    sys.settrace(None)  # whoever measures coverage slows Python down, and not the C parser
    gc.collect()
    gc.disable()  # what other tests left behind is no cost of these
    try:
        for _ in range(MOST_ROUNDS):
            for place, measured in enumerate((work, yardstick)):
                start = time.thread_time()
                measured()
                fastest[place] = min(fastest[place], time.thread_time() - start)
            if fastest[0] < enough * fastest[1]:
                break
    finally:
        gc.enable()
        sys.settrace(tracer)
    return fastest[0] / fastest[1]


def large(data: Any, number: int, withheld: int = 0) -> Any:
    """Return the event with so many attributes, some of which may not go; all quoted in a comment of the next one."""
    data = copy.deepcopy(data)
    event = data["Event"]
    model = next(row for row in event["Attribute"] if "tlp:red" not in json.dumps(row))
    rows = []
    for n in range(number):
        value = f"host-{n}.example.org"
        row = {**model, "id": str(n), "uuid": f"uuid-{n}", "value": value, "comment": f"after host-{n - 1}.example.org"}
        rows.append({**row, "Tag": [{"name": "tlp:red"}]} if n < withheld else row)
    event["Attribute"], event["Object"], event["_AttributeFlattened"] = rows, [], rows
    return json.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("withheld", "most"),
    [(0, 2.0), (10, 3.0), (5_000, 4.5)],
)
def test_an_event_with_10000_attributes(captures: dict[str, Any], withheld: int, most: float) -> None:
    data = large(captures["event-publish"]["data"], 10_000, withheld)
    text = json.dumps(data)
    expected = f"{withheld} attributes withheld: TLP:RED" if withheld else ""
    assert admit(data, None, Destination()).withheld == expected
    found = ratio(lambda: admit(data, None, Destination()), lambda: json.loads(text), most)
    assert found < most, f"guarding takes {found:.1f} times as long as reading"


@pytest.mark.parametrize(("withheld", "most"), [(0, 2.0), (100, 3.0)])
@pytest.mark.parametrize("shape", ["tags", "names"])
def test_the_tags_of_10000_attributes_selected(
    captures: dict[str, Any], withheld: int, most: float, shape: str
) -> None:
    """The whole event was walked with care as soon as a filter selected a tag."""
    data = large(captures["event-publish"]["data"], 10_000, withheld)
    text = json.dumps(data)
    tags = [tag for row in data["Event"]["Attribute"] for tag in (*row.get("Tag", ()), *row["_allTags"])]
    selected = json.loads(json.dumps(tags if shape == "tags" else [tag["name"] for tag in tags]))
    assert admit(data, selected, Destination()).selected == [one for one in selected if "tlp:red" not in str(one)]
    found = ratio(lambda: admit(data, selected, Destination()), lambda: json.loads(text), most)
    assert found < most, f"guarding takes {found:.1f} times as long as reading"


def test_a_list_of_texts_for_each_attribute(captures: dict[str, Any]) -> None:
    """A filter that selects synonyms, say. The whole event was walked through for each of the lists."""
    data = large(captures["event-publish"]["data"], 1_000, 10)
    data["Event"]["Tag"].append({"name": "acme:internal", "local": True})
    names = [[f"host-{n}.example.org", "acme:internal"] for n in range(1_000)]
    flat = [name for some in names for name in some]
    assert admit(data, names, Destination()).selected == [[]] * 10 + [some[:1] for some in names[10:]]
    found = ratio(lambda: admit(data, names, Destination()), lambda: admit(data, flat, Destination()), 3)
    assert found < 3, f"many lists take {found:.0f} times as long as one"


def test_a_tag_with_a_hyphen_is_read_in_time() -> None:
    """Each place of it was tried as a marking definition of STIX."""
    read = _read.__wrapped__  # what was read before is known
    names = [[f'misp{sign}galaxy:tool="{number}"' for number in range(1_000)] for sign in "-_"]
    found = ratio(lambda: [*map(read, names[0])], lambda: [*map(read, names[1])], 2)
    assert found < 2, f"with a hyphen it takes {found:.1f} times as long"


@pytest.mark.parametrize("sign", ["(", "[ ", "(.", " dot", "a  d", "hxx", "\u201c", "\u0301", "((\u00e9", "\\."])
@pytest.mark.parametrize("read", [plain, Shown])
def test_a_long_text_of_one_sign_is_compared_in_time(read: Callable[[str], Any], sign: str) -> None:
    found = ratio(lambda: read(sign * 2_000), lambda: read("a(" * 2_000), 20)
    assert found < 20, f"{sign!r} takes {found:.0f} times as long as other signs"
