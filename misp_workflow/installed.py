"""Which action files are this package's own: installed beside misp-modules they share a folder with upstream's."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

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


def upstream_actions() -> list[Path]:
    """Return the action files of the misp-modules that is installed here, without this package's own."""
    spec = find_spec("misp_modules")
    folders = (
        [Path(place) / "modules" / "action_mod" for place in (spec.submodule_search_locations or [])] if spec else []
    )
    own = {file.stem for file in own_actions()}
    found = (file for folder in folders for file in sorted(folder.glob("*.py")) if not file.name.startswith("_"))
    return [file for file in found if file.stem not in own]
