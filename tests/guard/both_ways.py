"""What leaves by the quick look at an event, held against what leaves by the careful walk through it."""

from __future__ import annotations

import copy
from typing import Any

from misp_workflow.delivery.guard.clear import ClearanceError, _quickly, admit, carefully
from misp_workflow.delivery.guard.marks import Rule
from misp_workflow.settings import Destination

PLACES = (
    Destination(),
    Destination(tlp="green", unmarked="clear"),
    Destination(tlp="red", local_tags=True),
    Destination(pap="green", unmarked="clear", unmarked_pap="clear"),
    Destination(distribution=1, unmarked="clear"),
    Destination(markings={"secret*": "red"}, unmarked="clear"),
)


def said(work: Any, *what: Any) -> Any:
    try:
        found = work(*what)
        return None if found is None else tuple(found)
    except ClearanceError as error:
        return str(error)


def agree(data: Any, selected: Any = None) -> None:
    """Hold what leaves by both ways against each other, the quick one being that of large events."""
    before = copy.deepcopy((data, selected))
    for place in PLACES:
        by_walking = said(carefully, data, selected, place)
        assert said(admit, data, selected, place) == by_walking
        assert said(_quickly, data, selected, Rule(place), 1) in (by_walking, None)
    assert (data, selected) == before, "nothing is changed in place"
