"""What we make of graphs, modules and whole walks, held against what MISP 2.5.1's engine was recorded to make.

Side remarks (log entries, database calls, PHP's warnings) are left out. The recorded runs of MISP's official blueprints
stand beside the repository, where they are there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import adapter
import pytest
from golden_kit import difference
from recordings import cases, resolved

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "golden"
AREAS = (
    "logic",
    "misp_module_request",
    "module_config",
    "walk",
    "graph_checks",
    "stateless",
    "odd_nodes",
    "odd_actions",
    "odd_filters",
    "odd_changes",
    "odd_webhooks",
    "odd_walks",
)


def _check(case: dict[str, Any]) -> None:
    got = adapter.evaluate(case["op"], json.loads(json.dumps(case["input"])))
    expected = case["expected"]
    if "exception" in expected:
        assert got.get("exception", {}).get("class") == expected["exception"]["class"]
    else:
        assert "value" in got, got
        found = difference(expected["value"], got["value"])
        assert found is None, found


@pytest.mark.parametrize(("vector", "blobs"), cases(*AREAS))
def test_as_recorded(vector: dict[str, Any], blobs: dict[str, Any]) -> None:
    _check(resolved(vector, blobs))


def test_official_blueprints_as_recorded() -> None:
    file = BESIDE / "blueprints.json"
    if not file.is_file():
        pytest.skip("the recorded runs of MISP's official blueprints are not beside this repository")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    for vector in recorded["vectors"]:
        _check(resolved(vector, recorded["blobs"]))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1, True),
        ([1], [1, 2]),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({"value": {"message": "x", "b": 1}}, {"value": {"message": "y", "b": 2}}),
    ],
)
def test_a_difference_is_seen(expected: Any, got: Any) -> None:
    assert difference(expected, got)
