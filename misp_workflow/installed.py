"""What is installed here: this package's own action files, and the packages that its extras name.

Installed beside misp-modules, the action files share a folder with upstream's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DISTRIBUTION = "misp-workflow-actions"
FOLDER = Path(__file__).resolve().parents[1] / "misp_modules" / "modules" / "action_mod"
"""Where the actions are: in a checkout beside this package, in an installation in misp-modules' own folder."""


def own_actions() -> list[Path]:
    """Return the action files that the distribution's list of files names; in a checkout all of the folder."""
    here = sorted(file for file in FOLDER.glob("*.py") if not file.name.startswith("_"))
    if (FOLDER.parents[2] / "pyproject.toml").exists():  # what setuptools left there may be older than the folder
        return here
    try:
        listed = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        listed = []
    named = {Path(str(file.locate())).resolve() for file in listed if file.parent.name == FOLDER.name}
    return [file for file in here if file in named] or here


def pages() -> Path | None:
    """Return the folder with the docs and examples: the checkout, or where the wheel put them; None without any."""
    if (FOLDER.parents[2] / "docs" / "install.md").is_file():  # beside installed packages, "docs" is somebody else's
        return FOLDER.parents[2]
    try:
        listed = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        return None
    found = (file for file in listed if file.parts[-4:] == ("doc", DISTRIBUTION, "docs", "install.md"))
    return next((Path(str(file.locate())).resolve().parents[1] for file in found), None)


def upstream_actions() -> list[Path]:
    """Return the action files of the misp-modules that is installed here, without this package's own."""
    own = {file.stem for file in own_actions()}
    return [file for file in _upstream("action_mod") if file.stem not in own]


def enrichments() -> list[str]:
    """Return the names of the enrichment modules of the misp-modules that is installed here."""
    return [file.stem for file in _upstream("expansion")]


def _upstream(folder: str) -> list[Path]:
    spec = find_spec("misp_modules")
    places = [Path(place) / "modules" / folder for place in (spec.submodule_search_locations or [])] if spec else []
    return [file for place in places for file in sorted(place.glob("*.py")) if not file.name.startswith("_")]


# --- extras -----------------------------------------------------------------------------------------------------------

_NAMED = re.compile(rf"{DISTRIBUTION}\[([\w-]+)\]")
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([^\]]*)\])?")


def extras_named(requirements: Iterable[str]) -> list[str]:
    """Return the extras of this package that an action's `requirements` name ("misp-workflow-actions[kafka]")."""
    return [extra for text in requirements for extra in _NAMED.findall(text)]


def extras_needed(
    always: Iterable[str], specs: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]
) -> list[str]:
    """Return the extras that an action needs with these parameters: those of all its nodes, and of the values."""
    chosen = (
        (spec["needs"], values.get(name) or spec.get("default")) for name, spec in specs.items() if "needs" in spec
    )
    return [*always, *(needs[value] for needs, value in chosen if value in needs)]


def not_installed(extra: str, of: str = DISTRIBUTION) -> list[str]:
    """Return the packages of an extra that are not installed; none where nobody knows what belongs to it."""
    try:
        listed = requires(of) or []
    except PackageNotFoundError:
        return []
    wanted = re.compile(rf"extra\s*==\s*[\"']{re.escape(extra)}[\"']")
    lost = []
    for text in listed:
        found = _REQUIREMENT.match(text)
        if found is None or not wanted.search(text.partition(";")[2]):
            continue
        try:
            version(found[1])
        except PackageNotFoundError:
            lost.append(found[1])
            continue
        for inner in (found[2] or "").split(","):
            lost += not_installed(inner.strip(), found[1]) if inner.strip() else []
    return lost
