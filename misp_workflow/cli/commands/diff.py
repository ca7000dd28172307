"""misp-workflow diff: what differs between a pulled folder and its MISP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from rich.markup import escape

from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console, echo
from misp_workflow.remote.client import Misp
from misp_workflow.remote.compare import Compared, compare


@click.command()
@click.argument("target", metavar="[FOLDER]", type=click.Path(exists=True, path_type=Path), default=".")
@misp_options
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def command(target: Path, misp_url: str | None, misp_key: str | None, at: str | None, as_json: bool) -> None:
    """Show what FOLDER (or one workflow's file) has otherwise than MISP: from what MISP has to what the files say.

    Exit status: 0 no difference, 1 differences, 2 unusable input or no answer.
    """
    found = compare(Misp(settings_for(misp_url, misp_key, at)), target)
    if as_json:
        echo(orjson.dumps(found.data(), option=orjson.OPT_INDENT_2))
    else:
        _print(found, Console())
    if found.differs:
        raise SystemExit(1)


def _print(found: Compared, console: Console) -> None:
    for name, changes in found.changed.items():
        heading(console, name, "differs")
        for one in changes:
            bullet(console, one)
    for name, why in [*((name, "MISP does not have it") for name in found.only_here),
                      *((name, "MISP has it, the folder does not") for name in found.only_there)]:  # fmt: skip
        heading(console, name, why)
    for note in found.notes:
        console.print(escape(note), highlight=False, soft_wrap=True)
    if not found.differs:
        console.print("[green]No difference.[/]")


def heading(console: Console, name: str, why: str) -> None:
    console.print(f"[bold]{escape(name)}[/]: {escape(why)}", highlight=False, soft_wrap=True)


def bullet(console: Console, what: Any) -> None:
    console.print(f"  • {escape(str(what))}", highlight=False, soft_wrap=True)
