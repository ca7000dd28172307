"""misp-workflow pull: what a MISP has, as files."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from rich.markup import escape

from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console, echo
from misp_workflow.remote import folder
from misp_workflow.remote.client import Misp


@click.command()
@click.argument("target", metavar="[FOLDER]", type=click.Path(file_okay=False, path_type=Path), default=".")
@misp_options
@click.option("--overwrite", is_flag=True, help="Also write over files that were changed here and not pushed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    target: Path, misp_url: str | None, misp_key: str | None, at: str | None, overwrite: bool, as_json: bool
) -> None:
    """Write the workflows and blueprints of a MISP, and what of it is enabled, into FOLDER (default: this one).

    Exit status: 0 done, 1 some files were changed here and left alone, 2 unusable input or no answer.
    """
    done = folder.pull(Misp(settings_for(misp_url, misp_key, at)), target, overwrite=overwrite)
    if as_json:
        echo(orjson.dumps(vars(done), option=orjson.OPT_INDENT_2))
    else:
        _print(done, target, Console())
    if done.kept:
        raise SystemExit(1)


def _print(done: folder.Pulled, target: Path, console: Console) -> None:
    def line(mark: str, name: str, why: str = "") -> None:
        console.print(f"{mark} {escape(name)}{escape(why)}", highlight=False, soft_wrap=True)

    for name in done.written:
        line("[green]written[/]", name)
    for name in done.removed:
        line("[yellow]removed[/]", name, ": MISP has it no longer")
    for name in done.kept:
        line("[red]left alone[/]", name, ": it was changed here and not pushed; --overwrite writes over it")
    for name, nodes in done.secret.items():
        why = (
            f": {', '.join(nodes)} holds a secret; put it into a destination of the settings before you share the file"
        )
        line("[yellow]secret[/]", name, why)
    for note in done.notes:
        line("[yellow]note[/]", note)
    told = f"{len(done.written)} written, {len(done.same)} as they were"
    console.print(f"{told}, in {escape(str(target))}; misp.json says what is enabled.", highlight=False, soft_wrap=True)
