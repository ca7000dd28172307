"""What we make of hash paths, conditions, names and event data, held against what MISP 2.5.1 was recorded to make."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import adapter_data
import pytest
from recordings import cases, resolved

from misp_workflow.errors import PhpCrash

AREAS = ("hash_path", "conditions", "inflector", "normalize", "odd_rows")
CASES = cases(*AREAS)


def _comparable(value: Any) -> Any:
    """Types kept apart (true is not 1, 1 is not 1.0), the order of keys kept, an empty dict as an empty list."""
    if isinstance(value, dict):
        return [(key, _comparable(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return (type(value).__name__, value)


@pytest.mark.parametrize(("vector", "blobs"), CASES)
def test_as_recorded(vector: dict[str, Any], blobs: dict[str, Any]) -> None:
    case = resolved(vector, blobs)
    got = adapter_data.evaluate(case["op"], case["input"])
    assert got is not None, f"the adapter does not know {case['op']}"
    expected = case["expected"]
    if "exception" in expected:
        assert got.get("exception", {}).get("class") == expected["exception"]["class"]
    else:
        assert "value" in got, got
        assert _comparable(got["value"]) == _comparable(expected["value"])


@pytest.mark.parametrize("op", ["hash_extract", "hash_insert", "items", "convert", "normalize_trigger"])
def test_nothing_changes_what_it_is_given(op: str) -> None:
    """Which is why so much can be shared between what goes in and what comes out."""
    cases = [
        resolved(vector["input"], blobs) for vector, blobs in (param.values for param in CASES) if vector["op"] == op
    ]
    assert cases
    for case in cases:
        before = json.dumps(case)
        with contextlib.suppress(PhpCrash):
            adapter_data.OPERATIONS[op](case)
        assert json.dumps(case) == before
