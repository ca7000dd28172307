"""The site that `make docs` builds from these pages, offline: Sphinx, with what the repository itself shows too."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Any

from misp_workflow import __version__

ROOT = Path(__file__).resolve().parents[1]

project = "misp-workflow-actions"
author = copyright = "the contributors"
release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"misp-workflow-actions {release}"
html_show_sphinx = html_copy_source = False
suppress_warnings = ["misc.highlighting_failure"]  # examples that show what is refused need not parse

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
PAGES = {"README": "index", "CONTRIBUTING": "contributing", "SECURITY": "reporting", "CHANGELOG": "changelog"}
"""Files of the repository's root (.md) that are pages of the site."""
EVERY_ACTION = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def _read(app: Any, name: str, source: list[str]) -> None:
    """Put in what stands elsewhere in the repository, and turn links to what is no page into the name of that file."""
    docs = Path(app.srcdir)
    root_file = next((file for file, page in PAGES.items() if page == name), None)
    if root_file is not None:
        source[0] = _linked((ROOT / f"{root_file}.md").read_text(encoding="utf-8"), ROOT, docs) + source[0]
    else:
        source[0] = _linked(source[0], (docs / name).parent, docs)
    if name == "actions/README":
        source[0] += EVERY_ACTION


def _linked(text: str, here: Path, docs: Path) -> str:
    """Return the text of a file in `here` with links that hold on the site."""

    def turned(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        path, _, part = target.partition("#")
        if ":" in target or not path:
            return found[0]
        place = (here / path).resolve()
        if place.parent == ROOT and place.stem in PAGES:
            place = docs / f"{PAGES[place.stem]}.md"
        elif not (place.is_file() and docs in place.parents):
            file = str(place.relative_to(ROOT))
            return f"`{file}`" if words.strip("`") in file else f"{words} (`{file}`)"
        base = docs if here == ROOT else here
        return f"{picture}[{words}]({os.path.relpath(place, base)}{'#' + part if part else ''})"

    return LINK.sub(turned, text)


def setup(app: Any) -> None:
    app.connect("source-read", _read)
