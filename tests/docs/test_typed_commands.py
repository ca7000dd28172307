"""Every command that README and docs show can be typed: it is there, with these options; what can be run here is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
HARMLESS = {"run", "check", "faults", "module", "check-event", "template", "backtest", "actions"}


def commands() -> Iterator[tuple[str, str]]:
    """Yield page and words of each command line: in blocks of code, and in backticks that are a whole command."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        blocks = re.findall(r"^```\w*\n(.*?)^```|((?:^    .*\n)+)", text, re.MULTILINE | re.DOTALL)
        # an indented line with backticks goes on with an item of a list
        lines = [line for block in blocks for line in "".join(block).splitlines() if "`" not in line]
        lines += re.findall(r"`(misp-workflow [^`\n]+)`", text)
        for line in lines:
            bare = re.split(r"\s+#", line.strip(), maxsplit=1)[0]
            if found := re.search(r"(?:^|[\s/])misp-workflow ([\w-].*)$", bare):
                yield page.name, re.split(r"\s[|&>;]", found[1].rstrip(")'\""))[0]


FOUND = list(dict.fromkeys(commands()))


def words_of(line: str) -> list[str]:
    return [word.strip("…[]") for word in shlex.split(line) if word.strip("…[].")]


def test_there_are_many() -> None:
    assert len(FOUND) > 60


@pytest.mark.parametrize(("page", "line"), FOUND, ids=[f"{page}: {line}" for page, line in FOUND])
def test_the_command_is_there_with_its_options(page: str, line: str) -> None:
    first, *others = words_of(line)
    told = CliRunner().invoke(main, [first, "--help", *others])
    mentioned = "requires an argument" in told.output  # an option's name without its value
    assert told.exit_code == 0 or mentioned, told.output


def is_here(line: str) -> bool:
    """Whether the command does nothing to anybody, and whatever file it names is in the repository."""
    words = words_of(line)
    files = [word for word in words[1:] if "/" in word or word.endswith((".json", ".toml", ".txt"))]
    named = [word for word in words[1:] if word.isupper() or word.startswith("http")]
    return words[0] in HARMLESS and bool(files) and not named and all((ROOT / file).exists() for file in files)


RUN = [(page, line) for page, line in FOUND if is_here(line)]


@pytest.mark.parametrize(("page", "line"), RUN, ids=[f"{page}: {line}" for page, line in RUN])
def test_what_can_be_run_here_runs(page: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    told = CliRunner().invoke(main, words_of(line))
    assert told.exit_code in (0, 1), told.output
