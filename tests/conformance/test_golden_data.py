"""What we make of hash paths, conditions, names and event data, held against what MISP 2.5.1 was recorded to make.

The files in golden/ are the recordings: `{"blobs": {…}, "vectors": [{"name", "op", "input", "expected"}, …]}`, where a
dict with the one key `$blob` stands for a blob.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.errors import PhpCrash

HERE = Path(__file__).parent
AREAS = ("hash_path", "conditions", "inflector", "normalize", "odd_rows")

sys.path.insert(0, str(HERE))
import adapter_data  # noqa: E402 - found beside this file, as the adapter itself finds it


def _resolved(value: Any, blobs: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$blob"}:
            return _resolved(blobs[value["$blob"]], blobs)
        return {key: _resolved(item, blobs) for key, item in value.items()}
    return [_resolved(item, blobs) for item in value] if isinstance(value, list) else value


def _recorded(area: str) -> list[Any]:
    """The vectors as they stand in the file: each test resolves its own."""
    recorded = json.loads((HERE / "golden" / f"{area}.json").read_text(encoding="utf-8"))
    blobs = recorded["blobs"]
    return [pytest.param(vector, blobs, id=f"{area}: {vector['name']}") for vector in recorded["vectors"]]


CASES = [case for area in AREAS for case in _recorded(area)]


def _comparable(value: Any) -> Any:
    """Types kept apart (true is not 1, 1 is not 1.0), the order of keys kept, an empty dict as an empty list."""
    if isinstance(value, dict):
        return [(key, _comparable(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return (type(value).__name__, value)


@pytest.mark.parametrize(("vector", "blobs"), CASES)
def test_as_recorded(vector: dict[str, Any], blobs: dict[str, Any]) -> None:
    case = _resolved(vector, blobs)
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
        _resolved(vector["input"], blobs) for vector, blobs in (param.values for param in CASES) if vector["op"] == op
    ]
    assert cases
    for case in cases:
        before = json.dumps(case)
        with contextlib.suppress(PhpCrash):
            adapter_data.OPERATIONS[op](case)
        assert json.dumps(case) == before
