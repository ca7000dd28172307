"""The pages about the actions say what the action files say."""

from __future__ import annotations

import importlib.util
import re
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


def test_files_that_pages_name_are_there() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {
        (page.name, file)
        for page in pages
        for file in re.findall(
            r"`((?:tests|docs|examples|bench|misp_workflow|misp_modules)/[\w./-]+)`", page.read_text()
        )
    }
    assert len(named) > 20
    gone = {(page, file) for page, file in named if not (ROOT / file.rstrip("/.")).exists()}
    assert gone == set()
