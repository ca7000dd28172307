"""The attribute types that MISP has, as the installed PyMISP lists them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from misp_workflow.errors import did_you_mean
from misp_workflow.event import matching


@cache
def known() -> tuple[str, ...]:
    """Return the names of all types; none where PyMISP is not there, or keeps them elsewhere than it does today."""
    spec = find_spec("pymisp")  # only its data is wanted, and to import it takes a second
    try:
        text = (Path((spec and spec.origin) or "").parent / "data" / "describeTypes.json").read_text(encoding="utf-8")
        return tuple(map(str, json.loads(text)["result"]["types"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def is_one(pattern: str) -> bool:
    """Whether a pattern means at least one type; so does anything where nobody knows which there are."""
    return not known() or bool(matching(known(), pattern))


def unknown(patterns: Iterable[str]) -> list[str]:
    """Return why each pattern that means no type does, as the end of a sentence."""
    why = "is no attribute type that the PyMISP installed here knows"
    return [f"“{one[:60]}” {why}{did_you_mean(one, known())}" for one in patterns if not is_one(one)]
