"""Fresh environments with a real misp-modules beside which the built pack is installed, without fetching anything."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".*_cache", ".hypothesis", ".venv", "__pycache__", "*.egg-info", "build", "dist"
)


class Environment:
    """A virtual environment that holds misp-modules and the named distributions with all that they require.

    misp-modules' files are copied, as its wheel would lay them. Everything else is linked from the environment that
    runs the tests: it is only ever read.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        venv.create(folder, symlinks=True, with_pip=False)
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.packages = Path(self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        for found in closure("misp-modules", *names):
            if found.name.lower() != "misp-modules":
                link(found, self.packages)
        self._copy(distribution("misp-modules"))

    def run(self, *arguments: str, **environment: str) -> str:
        """Run this environment's Python away from the checkout; return what it printed."""
        command = [str(self.python), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pip(self, *arguments: str) -> str:
        return self.run("-m", "pip", "--disable-pip-version-check", *arguments)

    def upstream(self) -> dict[str, str]:
        """Every file under misp_modules and its digest; byte code left out."""
        return {
            str(path.relative_to(self.packages)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.packages / "misp_modules").rglob("*"))
            if path.is_file() and path.suffix != ".pyc"
        }

    def _copy(self, source: Distribution) -> None:
        for file in source.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = self.packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(source.locate_file(file)), target)


def link(source: Distribution, folder: Path) -> None:
    """Make a distribution of the environment that runs the tests importable from `folder`."""
    for top in {file.parts[0] for file in source.files or []} - {"..", "__pycache__"}:
        if not top.endswith(".pth") and not (folder / top).exists():
            (folder / top).symlink_to(str(source.locate_file(top)))


def closure(*names: str) -> Iterable[Distribution]:
    """The named distributions and everything they require here, extras left out."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        found[key] = distribution(name)
        waiting += needed(found[key].requires or [])
    return found.values()


def needed(lines: Iterable[str]) -> Iterator[str]:
    """Yield the names of the requirements that hold in this Python, extras left out."""
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


@pytest.fixture(scope="session")
def action_names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "misp_modules" / "modules" / "action_mod").glob("*.py"))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, so that building leaves nothing behind in it."""
    target = tmp_path_factory.mktemp("checkout") / "misp-workflow-actions"
    shutil.copytree(ROOT, target, ignore=LEFT_BEHIND)
    return target


@pytest.fixture(scope="session")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel made from it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "would be ignored" not in done.stdout + done.stderr, "setuptools doubts what is packed, at great length"
    return out


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="session")
def our_requirements(wheel: Path) -> list[str]:
    """Names of what the wheel requires in this Python."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    return list(needed(lines))


@pytest.fixture
def environment(tmp_path: Path, our_requirements: list[str]) -> Environment:
    """misp-modules, what the pack requires, and the tools to install it."""
    return Environment(tmp_path / "venv", "pip", "setuptools", *our_requirements)


@pytest.fixture
def image(tmp_path: Path, our_requirements: list[str]) -> Environment:
    """misp-modules as its container image has it, without pip, and what the pack requires beside it."""
    return Environment(tmp_path / "venv", *our_requirements)


@pytest.fixture
def bare_environment(tmp_path: Path) -> Environment:
    """misp-modules alone, as its container image has it: not even pip."""
    return Environment(tmp_path / "venv")


@dataclass(frozen=True)
class Served:
    """What a server had: its action modules as GET /modules lists them, what it could not load, and first answers."""

    modules: dict[str, dict[str, Any]]
    failed: dict[str, str]
    answers: dict[str, Any]


@pytest.fixture
def mount(checkout: Path, tmp_path: Path) -> Path:
    """A folder /custom as docs/install.md tells to fill it, for an image that has misp-modules and nothing of ours."""
    custom = tmp_path / "custom"
    shutil.copytree(checkout / "misp_modules" / "modules" / "action_mod", custom / "action_mod")
    shutil.copytree(checkout / "misp_workflow", custom / "python" / "misp_workflow")
    for found in closure("cryptography", *(["tomli"] if sys.version_info < (3, 11) else [])):
        link(found, custom / "python")
    return custom


@pytest.fixture
def serving() -> Callable[..., Served]:
    """Start the real server in an environment, ask each of its action modules once with nothing filled in, stop it."""
    from misp_workflow.testing import MispModulesServer

    def start(environment: Environment, custom: Path | None = None, **variables: str) -> Served:
        with MispModulesServer(python=environment.python, custom=custom, environment=variables) as server:
            modules = {module["name"]: module for module in server.modules() if module["type"] == "action_mod"}
            answers = {name: server.query({"module": name, "params": [], "data": {}}) for name in modules}
            return Served(modules, server.failed(), answers)

    return start
