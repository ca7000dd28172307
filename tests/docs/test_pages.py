"""The pages about the actions say what the action files say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_pages_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec and spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    stale = [
        place.name for place, content in build.pages().items() if not place.exists() or place.read_text() != content
    ]
    assert not stale, f"run 'python docs/build.py': {stale}"
    known = {place.name for place in build.pages() if place.parent == build.PAGES}
    assert {place.name for place in (ROOT / "docs" / "actions").glob("*.md")} == known
