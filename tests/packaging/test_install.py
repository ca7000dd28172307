"""Each documented way into a misp-modules install, tried with the real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

# The rules of the contract that a file can be held against without a receiver, run where the wheel put the files.
STATIC_CONTRACT = """
import json, sys
from pathlib import Path
from misp_workflow.testing.contract import CHECKS, ActionFile
print(json.dumps({name: [said for check in CHECKS for said in check(ActionFile.load(Path(name)))] for name in sys.argv[1:]}))
"""


def assert_all_there(served, names: list[str]) -> None:
    assert {name: served.failed[name] for name in names if name in served.failed} == {}
    assert set(names) <= served.modules.keys()
    for name in names:
        assert served.modules[name]["meta"]["module-type"] == ["action"]
        assert served.answers[name].keys() & {"data", "error"}
        assert "look in the server logs" not in str(served.answers[name])


def test_wheel_beside_misp_modules_comes_and_goes(environment, wheel: Path, action_names: list[str], serving):
    before = environment.upstream()
    assert not set(action_names) & serving(environment).modules.keys()

    environment.pip("install", "--no-index", str(wheel))
    served = serving(environment)
    assert_all_there(served, action_names)
    assert "testaction" in served.modules
    after = environment.upstream()
    assert {name: digest for name, digest in after.items() if name in before} == before
    assert {Path(name).stem for name in after.keys() - before.keys()} == set(action_names)

    files = [str(environment.packages / name) for name in after.keys() - before.keys()]
    breaches = json.loads(environment.run("-c", STATIC_CONTRACT, *files))
    assert len(breaches) == len(action_names)
    assert {name: said for name, said in breaches.items() if said} == {}
    pages = environment.folder.resolve() / "share/doc/misp-workflow-actions"
    told = environment.run(str(environment.folder / "bin" / "misp-workflow"), "--help")
    assert "Usage" in told and str(pages) in told and (pages / "docs/settings.md").is_file()

    environment.pip("uninstall", "--yes", "misp-workflow-actions")
    assert not [path for path in pages.rglob("*") if path.is_file()]
    assert environment.upstream() == before
    assert not set(action_names) & serving(environment).modules.keys()


def test_editable_install_and_custom_folder(environment, checkout: Path, action_names: list[str], serving):
    before = environment.upstream()
    environment.pip("install", "--no-index", "--no-build-isolation", "--editable", str(checkout))
    served = serving(environment, custom=checkout / "misp_modules" / "modules")
    assert_all_there(served, action_names)
    assert "testaction" in served.modules
    assert environment.upstream() == before


def test_installed_wheel_and_custom_folder_of_a_checkout(
    environment, wheel: Path, checkout: Path, action_names, serving
):
    """The same names twice, installed and custom: the custom ones win, and nothing breaks."""
    environment.pip("install", "--no-index", str(wheel))
    assert_all_there(serving(environment, custom=checkout / "misp_modules" / "modules"), action_names)


def test_mounted_without_the_package_harms_nobody(bare_environment, mount: Path, action_names: list[str], serving):
    """Action files alone are not enough; the server says which module is missing and serves all others."""
    served = serving(bare_environment, custom=mount)
    assert "testaction" in served.modules
    assert not set(action_names) & served.modules.keys()
    assert {served.failed[name] for name in action_names} == {"No module named 'misp_workflow'"}
