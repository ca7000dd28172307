"""misp-workflow new: an action that works, to be changed into the one that is wanted."""

from __future__ import annotations

import runpy
import shlex
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

import click
import orjson

from misp_workflow.cli.screen import echo
from misp_workflow.errors import InputError
from misp_workflow.installed import own_actions
from misp_workflow.testing.contract import SNAKE_CASE
from misp_workflow.testing.reserved import reserved_names

SENT = {"server_url": "{receiver}", "token": "a-very-secret-token"}
CASES: dict[str, dict[str, Any]] = {
    "action": {
        "summary": {
            "params": SENT,
            "data": "event-publish",
            "answers": [{"json": {"ok": True}}],
            "answer": "delivered",
            "sends": [{"method": "POST", "path": "/api/messages", "has": ["Event 57"], "lacks": [SENT["token"]]}],
        },
        "refused": {
            "params": SENT,
            "data": "event-publish",
            "answers": [{"json": {"ok": False, "error": "no such channel"}}],
            "sends": [{}],
            "error": "no such channel",
        },
    },
    "gate": {
        "passes": {"params": {"minimum_length": "5"}, "data": "event-publish", "passes": True},
        "blocks": {
            "params": {"minimum_length": "500"},
            "data": "event-publish",
            "blocks": "the title has fewer than 500 characters",
        },
    },
}
"""The cases by kind and name, in the form that tests/actions/test_cases.py describes."""

TRIED_WITH = {
    "action": "--param server_url=https://acme.example.org --param token=a-very-secret-token",
    "gate": "--param minimum_length=5",
}
"""What a node must say before what was written answers anything."""


@click.command()
@click.argument("name")
@click.option("--gate", is_flag=True, help="A gate, which can stop what MISP is about to do.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="A checkout of this project, or a folder of your own (default: this one).",
)
def command(name: str, gate: bool, folder: Path) -> None:
    """Write an action NAME that works, with its cases, to be changed into the one you want.

    In a checkout of this project: the file, its cases and its page, each where it belongs. In any other folder:
    action_mod/NAME.py, which misp-modules serves with -c FOLDER, and tests/test_NAME.py. NAME is
    <product>_<object>, such as acme_ticket.

    Exit status: 0 written, 2 a name that cannot be or a file that is there.
    """
    refuse_name(name)
    kind = "gate" if gate else "action"
    checkout = (folder / "misp_modules" / "modules" / "action_mod").is_dir()
    files = in_checkout(name, kind) if checkout else alone(name, kind)
    for place in files:
        if (folder / place).exists():
            raise InputError(f"{folder / place} is there already; choose another name, or move it away.")
    for place, content in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        echo(f"written  {target}")
    if checkout:
        runpy.run_path(str(folder / "docs" / "build.py"), run_name="__main__")
        for page in (f"docs/actions/{name}.md", "docs/actions/README.md", "README.md"):
            echo(f"written  {folder / page}")
    echo(f"\n{next_steps(name, kind, folder, checkout)}")


def refuse_name(name: str) -> None:
    """Raise InputError for a name that is none, or that would replace something in misp-modules or in MISP."""
    if not SNAKE_CASE.fullmatch(name) or "_" not in name:
        raise InputError(f"'{name}' is no name for an action; <product>_<object> is, such as acme_ticket.")
    ours = {file.stem: "an action of this pack" for file in own_actions()}
    if owner := {**ours, **reserved_names()}.get(name):
        raise InputError(f"The name '{name}' is taken: it is {owner}. It would replace that silently.")


def in_checkout(name: str, kind: str) -> dict[str, str]:
    """Return the files of a new action of this project: path below the checkout, content."""
    cases = {
        f"tests/actions/{name}/{case}.json": orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"
        for case, content in CASES[kind].items()
    }
    return {f"misp_modules/modules/action_mod/{name}.py": start(kind, name), **cases}


def alone(name: str, kind: str) -> dict[str, str]:
    """Return the files of an action in a folder of its own."""
    return {f"action_mod/{name}.py": start(kind, name), f"tests/test_{name}.py": start(f"test_{kind}", name)}


def start(kind: str, name: str) -> str:
    """Return a file of `starts` for the action `name`."""
    text = (resources.files("misp_workflow.cli") / "starts" / f"{kind}.txt").read_text(encoding="utf-8")
    words = name.split("_")
    return Template(text).substitute(name=name, title=" ".join(words).capitalize(), service=words[0].capitalize())


def next_steps(name: str, kind: str, folder: Path, checkout: bool) -> str:
    """Say what to do with what was written."""
    if checkout:
        tests = "tests/actions tests/contract tests/docs/test_pages.py"
        return (
            "Next: change them, then\n  .venv/bin/python docs/build.py\n"
            f'  .venv/bin/python -m pytest {tests} -k "{name} or up_to_date"'
        )
    place = shlex.quote(str(folder))
    needed = "" if find_spec("pytest") else "  pip install pytest\n"
    return (
        f"Next: change them, then\n{needed}  python -m pytest {place}\n"
        f"  misp-workflow module {name} --actions {place} --event EVENT.json {TRIED_WITH[kind]}\n"
        f"  misp-modules -l 127.0.0.1 -c {place}"
    )
