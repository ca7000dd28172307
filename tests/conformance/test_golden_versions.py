"""Further recordings of 2.5.1, and those of 2.5.19 with and without single later files, one test a file.

Each file bears the version of MISP that was recorded; every case must hold, but for those that EXCEPTIONS names.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import adapter
import pytest
from golden_kit import difference
from recordings import GOLDEN, resolved

FILES = sorted([*(GOLDEN / "more-2.5.1").glob("*.gz"), *(GOLDEN / "newer").glob("*.gz")])

EXCEPTIONS = {
    # The recorder named the copy by its own clock and by chance, and the name travels in the data.
    ("blocklist", "blocklist snapshot"),
    ("blocklist", "blocklist snapshot, keep 1"),
}


def _held(case: dict[str, Any]) -> str | None:
    """Where the case differs; None where it holds."""
    got = adapter.evaluate(case["op"], json.loads(json.dumps(case["input"])))
    expected = case["expected"]
    if "exception" in expected:
        return None if "exception" in got else f"{expected['exception']['class']} was recorded, {str(got)[:200]} came"
    return difference(expected["value"], got["value"]) if "value" in got else str(got)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name.partition('.')[0]}")
def test_as_recorded(file: Path) -> None:
    recorded = json.loads(gzip.decompress(file.read_bytes()))
    area = file.name.partition(".")[0]
    differing = {}
    for vector in recorded["vectors"]:
        case = resolved(vector, recorded["blobs"])
        if recorded.get("misp_version", "2.5.1") != "2.5.1":
            case["input"]["misp_version"] = recorded["misp_version"]
        if found := _held(case):
            differing[area, case["name"]] = found
    assert differing.keys() == {known for known in EXCEPTIONS if known[0] == area}, differing


def test_both_folders_are_there() -> None:
    assert len(FILES) >= 37
