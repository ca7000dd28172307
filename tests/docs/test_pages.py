"""The pages about the actions say what the action files say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from misp_modules.modules import action_mod
from misp_workflow.runner.data.profiles import NEWEST, profile
from misp_workflow.runner.modules.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"


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


def test_the_examples_of_the_pages_name_no_place_of_the_tests() -> None:
    assert [page.name for page in (DOCS / "actions").glob("*.md") if "{receiver}" in page.read_text()] == []


def test_no_page_has_two_titles() -> None:
    """The site would have an entry for each among its pages."""
    told = {page: re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S) for page in DOCS.rglob("*.md")}
    assert [page.name for page, text in told.items() if len(re.findall(r"^# ", text, re.M)) > 1] == []


def test_the_index_says_of_every_other_module_when_to_take_it() -> None:
    """Upstream's as misp-modules here has them, and all that the newest MISP mirrored has of its own."""
    page = (ROOT / "docs" / "actions" / "README.md").read_text()
    upstream = {file.stem for file in Path(action_mod.__path__[0]).glob("[!_]*.py")} - {"testaction"}
    theirs = {name for name in upstream if not (ACTIONS / f"{name}.py").exists()}
    own = set(catalogue(profile(NEWEST))["action"])
    assert len(theirs) > 8
    assert [
        name for name in sorted(theirs | own) if name not in page and name.removeprefix("Module_") not in page
    ] == []


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
