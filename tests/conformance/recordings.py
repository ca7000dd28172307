"""What MISP was recorded to do, as the tests of this room read it.

A file is `{"blobs": {…}, "vectors": [{"name", "op", "input", "expected"}, …]}`, where a dict with the one key `$blob`
stands for a blob.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"


def cases(*areas: str) -> list[Any]:
    """Parameters `vector` and `blobs` for each recording, as they stand in the files: to resolve them all takes seconds,
    so each test resolves its own."""
    found = []
    for area in areas:
        recorded = json.loads((GOLDEN / f"{area}.json").read_text(encoding="utf-8"))
        found += [
            pytest.param(vector, recorded["blobs"], id=f"{area}: {vector['name']}") for vector in recorded["vectors"]
        ]
    return found


def resolved(value: Any, blobs: dict[str, Any]) -> Any:
    """Return a recording with its blobs in their places."""
    if isinstance(value, dict):
        if value.keys() == {"$blob"}:
            return resolved(blobs[value["$blob"]], blobs)
        return {key: resolved(item, blobs) for key, item in value.items()}
    return [resolved(item, blobs) for item in value] if isinstance(value, list) else value
