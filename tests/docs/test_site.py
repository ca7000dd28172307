"""`make docs`: the pages become a site without a warning, that reads on a desk and on a telephone and can be searched."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="the site's generator is not installed: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-n",
        "-b",
        "html",
        "-d",
        str(folder / ".made"),
    ]
    done = subprocess.run([*command, ROOT / "docs", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_and_asks_no_network(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()
    for page in site.rglob("*.html"):
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"(https?:)?//", page.read_text()), page


@pytest.mark.parametrize("width", [1280, 400])
def test_it_reads_in_a_browser(site: Path, width: int, tmp_path: Path, program: Callable[[str], str]) -> None:
    with Browser(program("chromium"), tmp_path / "profile", width) as page:
        for name in ("index", "actions/slack_message", "settings", "gates"):
            page.open((site / f"{name}.html").as_uri())
            page.wait_for(f"location.pathname.endsWith('{name}.html') && document.readyState === 'complete'")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        page.open(f"{(site / 'search.html').as_uri()}?q=clearance")
        page.wait_for("document.querySelectorAll('ul.search li').length > 3")
