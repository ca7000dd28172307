"""misp-workflow mend: saved nodes get the names that their parameters have now."""

from __future__ import annotations

from pathlib import Path

import click

from misp_workflow.cli.commands.diff import bullet, heading
from misp_workflow.cli.commands.push import Wanted, push
from misp_workflow.cli.inputs import FILE
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console
from misp_workflow.cli.servers import own_modules
from misp_workflow.remote import document
from misp_workflow.remote.client import Misp
from misp_workflow.remote.difference import changes
from misp_workflow.remote.files import save
from misp_workflow.remote.mend import mended
from misp_workflow.settings import Settings


@click.command()
@click.argument("files", type=FILE, nargs=-1)
@misp_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def command(files: tuple[Path, ...], misp_url: str | None, misp_key: str | None, at: str | None, dry_run: bool) -> None:
    """Rewrite nodes that were saved when a parameter had another name: in FILES, without any in MISP itself.

    MISP sends a node's parameters under their present names only; what stands under a former one is lost. What MISP
    had is kept: 'misp-workflow undo' puts it back. Exit status: as of push.
    """
    if files:
        _in_files(files, dry_run)
    else:
        raise SystemExit(_in_misp(settings_for(misp_url, misp_key, at), dry_run))


def _in_files(files: tuple[Path, ...], dry_run: bool) -> None:
    console, modules = Console(), own_modules()
    for path in files:
        content, beside = document.read(path)
        better = mended(content, modules)
        found = changes(content, better)
        heading(
            console, str(path), "mended" if found and not dry_run else "to be mended" if found else "as it should be"
        )
        for one in found:
            bullet(console, one)
        if found and not dry_run:
            save(path, document.text({**better.document(), **beside}))


def _in_misp(rules: Settings, dry_run: bool) -> int:
    modules, status = own_modules(), 0
    stored = [one.content for one in Misp(rules).workflows().values()]
    wanted = [better for content in stored if (better := mended(content, modules)) is not content]
    if not wanted:
        Console().print("[green]Every node names its parameters as they are called now.[/]")
    for content in wanted:  # one by one: an error in one of them is no reason to leave the others
        status |= push(rules, [Wanted(content.trigger, content)], enable=False, dry_run=dry_run, replace=True)
    return status
