"""The Makefile speaks plainly to somebody with the wrong Python, and the documents name what is really there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def make(program, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("make"), "-C", str(ROOT), "--no-print-directory", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def pretend(folder: Path, before: str) -> Path:
    """A Python that runs a line of ours before what it is given with -c."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'import sys; {before}; exec(sys.argv[2])' \"$@\"\n")
    python.chmod(0o755)
    return python


def test_help_names_every_target(program):
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    targets = set(phony[1].split()) - {"help", "install", "python-is-fit"}
    assert targets - set(re.findall(r"make ([\w-]+)", make(program, "help").stdout)) == set()


def test_ci_runs_the_test_command_of_the_readme():
    command = "make test"
    assert re.search(rf"^    {command}\b", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


def test_no_python(program):
    done = make(program, "python-is-fit", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "There is no 'no-such-python' here" in done.stdout


def test_python_too_old(program, tmp_path: Path):
    done = make(program, "python-is-fit", f"PYTHON={pretend(tmp_path, 'sys.version_info = (3, 9, 18)')}")
    assert done.returncode != 0
    assert "is Python 3.9, the pack needs 3.10 or newer" in done.stdout


def test_python_without_venv(program, tmp_path: Path):
    python = pretend(tmp_path, 'sys.modules["ensurepip"] = None')
    done = make(program, "python-is-fit", f"PYTHON={python}")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stdout


def test_python_that_fits(program):
    assert make(program, "python-is-fit", f"PYTHON={sys.executable}").returncode == 0


@pytest.fixture
def tools(tmp_path: Path, program) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `make test` with tools that only say how they end. The tests begin first, and end when all is linted."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / f".ready-{sys.version_info.major}.{sys.version_info.minor}").touch()

    def run(*options: str, **statuses: int) -> subprocess.CompletedProcess[str]:
        wait = f"wait() {{ n=0; until [ -e {tmp_path}/$1 ]; do n=$((n+1)); [ $n -gt 3000 ] && exit 99; sleep 0.01; done; }}"
        parts = {
            "ruff": "",
            "mypy": "wait tests; echo types are looked at",
            "lint-imports": "",
            "python": f"touch {tmp_path}/tests; wait linted; echo 3 passed",
        }
        for name, does in parts.items():
            status = statuses.get(name.replace("-", "_"), 0)
            last = name == "lint-imports" or (status and name != "python")
            done = f"touch {tmp_path}/linted" if last else ":"
            (folder / name).write_text(f"#!/bin/sh\n{wait}\n{does}\n{done}\nexit {status}\n")
            (folder / name).chmod(0o755)
        return make(program, "test", *options, f"VENV={tmp_path}", f"PYTHON={sys.executable}")

    return run


def test_make_test_lints_beside_the_tests(tools, tmp_path: Path):
    done = tools()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "linted").exists()
    assert done.stdout == "3 passed\n", "the tests have the last word"


def test_make_test_does_nothing_where_only_its_commands_are_asked_for(tools, tmp_path: Path):
    done = tools("-n")
    assert done.returncode == 0 and "pytest" in done.stdout
    assert not (tmp_path / "tests").exists()


@pytest.mark.parametrize("failing", ["ruff", "mypy", "lint_imports", "python"])
def test_make_test_fails_when_any_part_of_it_fails(tools, failing: str):
    done = tools(**{failing: 1})
    assert done.returncode != 0
    assert "3 passed" in done.stdout
    assert ("make lint found what is said above" in done.stdout) is (failing != "python")
    assert ("types are looked at" in done.stdout) is (failing in ("mypy", "lint_imports"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_targets_that_exist(document: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([a-z]+)", document.read_text(), re.MULTILINE)) <= targets


CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_documents_link_to_files_that_exist():
    links = {
        (document.name, link)
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", CODE.sub("", document.read_text()))
        if not (document.parent / link).exists()
    }
    assert links == set()


def test_the_hook_for_pre_commit_calls_a_command_that_exists():
    entry = re.search(r"^  entry: misp-workflow (\w+)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE)
    command = [sys.executable, "-c", "from misp_workflow.cli import main; main()", entry[1], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
