"""The request as misp-modules hands it over: what is in it, what its node's filter chose, how long MISP waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from misp_workflow import settings
from misp_workflow.errors import InputError, WorkflowError
from misp_workflow.settings import Settings

PART_OF_TIMEOUT = 0.8
"""The part of MISP's own time-out in which it is answered; the rest is for the way here and back."""


def parsed(request: Any, largest: int | None) -> dict[str, Any]:
    """Return the request as an object with `data`; InputError says what is wrong with it."""
    try:
        if largest is not None:
            size = len(orjson.dumps(request) if isinstance(request, (dict, list)) else request)
            if size > largest:
                raise InputError(f"The request has {size:,} bytes, more than the settings allow (largest_request).")
        found = request if isinstance(request, (dict, list)) else orjson.loads(request)
    except (ValueError, TypeError) as error:
        deep = "recursion" in str(error).lower()
        raise InputError("The data is nested too deeply to be read." if deep else "The request is not JSON.") from None
    if not isinstance(found, dict):
        raise InputError("The request must be a JSON object with 'params' and 'data'.")
    if "params" not in found:
        raise InputError("The request has no 'params'; MISP sends them with every action.")
    if not isinstance(found.get("data"), (dict, list)):
        raise InputError("The request has no 'data' object; MISP sends it with every action.")
    return found


def chosen(request: Mapping[str, Any]) -> list[Any] | None:
    """Return what the node's filter chose, or None when nothing was selected.

    MISP sends a list, an object keyed "0", "3" when the positions have gaps, or the whole data when there is no filter
    or nothing matches.
    """
    found, data = request.get("filteredItems"), request.get("data")
    if not found or not isinstance(found, (list, dict)) or found == data:
        return None
    if isinstance(found, dict):
        return list(found.values()) if all(key.isdigit() for key in found) else None
    return found


def answer_within(request: Any) -> float:
    """Return the seconds from now in which MISP shall hear: the settings', or less when the request waits less.

    Newer MISP sends its own time-out (`Plugin.Action_timeout`) as "timeout".
    """
    try:
        within = settings.at_hand()[0].answer_within
    except WorkflowError:  # they cannot be read, which the answer will say
        within = Settings().answer_within
    waits = dict.get(request, "timeout") if isinstance(request, dict) else None  # whatever its own get does
    if isinstance(waits, (int, float)) and not isinstance(waits, bool) and waits > 0:
        within = min(within, waits * PART_OF_TIMEOUT)
    return within
