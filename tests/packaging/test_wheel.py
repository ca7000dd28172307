"""What the wheel and the source distribution hold."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def members(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}


def test_actions_and_nothing_of_upstream(members: dict[str, str], action_names: list[str]):
    """An __init__.py at one of the three levels would overwrite upstream's, and take it away when uninstalled."""
    upstream = sorted(name for name in members if name.startswith("misp_modules/"))
    assert upstream == [f"misp_modules/modules/action_mod/{name}.py" for name in action_names]
    assert action_names


def test_our_package_whole_and_nothing_else(members: dict[str, str], checkout: Path):
    files = {path for path in (checkout / "misp_workflow").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    ours = {str(path.relative_to(checkout)) for path in files}
    assert ours - members.keys() == set()
    assert "misp_workflow/py.typed" in ours
    beside = {_info(members), _info(members).replace(".dist-info", ".data")}
    assert {name.split("/")[0] for name in members} - {"misp_modules", "misp_workflow"} == beside


def test_the_pages_and_examples_that_a_sentence_names_are_there(members: dict[str, str]):
    code = "".join(text for name, text in members.items() if name.startswith("misp_workflow/") and name.endswith(".py"))
    named = set(re.findall(r"(?<![/\w.])(?:docs|examples)/[\w/.-]*\w\.(?:md|toml|json)", code))
    assert {"docs/settings.md", "examples/misp-workflow.toml"} <= named
    pages = f"{_info(members).removesuffix('.dist-info')}.data/data/share/doc/misp-workflow-actions/"
    assert {name for name in named if pages + name not in members} == set()
    assert {f"{pages}examples/systemd/misp-modules.conf", f"{pages}examples/container/Dockerfile"} <= members.keys()
    assert {f"{pages}{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")} <= members.keys()
    assert not [name for name in members if name.startswith(pages) and name.endswith((".py", ".pyc"))]


def test_metadata(members: dict[str, str]):
    info = _info(members)
    metadata = Parser().parsestr(members[f"{info}/METADATA"])
    assert metadata["Requires-Python"] == ">=3.10"
    hard = {
        re.split(r"[^\w-]", line)[0].lower() for line in metadata.get_all("Requires-Dist") if "extra ==" not in line
    }
    assert hard == {
        *("requests", "pymisp", "jinja2", "orjson", "cryptography", "click", "rich", "tomli"),
        *("idna", "publicsuffixlist", "regex"),
    }
    assert any(name.endswith("LICENSE") for name in members if name.startswith(info))
    scripts = members[f"{info}/entry_points.txt"]
    assert "misp-workflow = misp_workflow.cli:main" in scripts
    assert "misp_workflow = misp_workflow.testing.plugin" in scripts


def test_source_distribution_can_be_worked_with(built: Path):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in (
        "Makefile",
        ".ci/run",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "tests/conftest.py",
    ):
        assert needed in names
    assert {"tests/captures/event-publish.json", "examples/container/Dockerfile", "docs/install.md"} <= names
    assert not any(name.endswith(".pyc") for name in names)


def _info(members: dict[str, str]) -> str:
    return next(name.split("/")[0] for name in members if name.endswith(".dist-info/METADATA"))
