"""misp-workflow undo: puts back what a push took the place of."""

from __future__ import annotations

import click
from rich.markup import escape

from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console
from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.remote.client import Misp
from misp_workflow.remote.undo import Kept, Store, put_back
from misp_workflow.web_address import shown


@click.command()
@click.argument("name", required=False)
@misp_options
@click.option("--list", "listed", is_flag=True, help="Show which pushes can be undone, and do nothing.")
@click.option("--replace", is_flag=True, help="Put back even what was changed in MISP since.")
def command(
    name: str | None, misp_url: str | None, misp_key: str | None, at: str | None, listed: bool, replace: bool
) -> None:
    """Undo the last push to this MISP, or the one called NAME: the workflow, and what the push enabled.

    Exit status: 0 done, 2 nothing to undo, changed since, or no answer.
    """
    rules = settings_for(misp_url, misp_key, at)
    store, console, misp = Store(rules.state_folder), Console(), Misp(rules)
    known = store.all(misp.url)
    if listed:
        for one in known:
            console.print(f"{escape(one.name)}  {one.when}  {escape(_called(one))}", highlight=False, soft_wrap=True)
        console.print(f"{len(known)} push{'' if len(known) == 1 else 'es'} to {escape(shown(misp.url))} can be undone.")
        return
    kept = _chosen(known, name, misp.url)
    done = put_back(misp, kept, replace=replace)
    store.done(kept)
    told = ", ".join(done) or "nothing had to be done"
    console.print(f"[bold green]{escape(kept.trigger)}[/]: {escape(told)}.", highlight=False, soft_wrap=True)


def _called(one: Kept) -> str:
    return f"{one.trigger}: “{one.was.name}” was there" if one.was else f"{one.trigger}: had no workflow"


def _chosen(known: list[Kept], name: str | None, url: str) -> Kept:
    if not known:
        raise InputError(f"No push to {shown(url)} is kept that could be undone.")
    if name is None:
        return known[0]
    found = next((one for one in known if one.name == name), None)
    if found is None:
        raise InputError(f"No push is called “{name}”{did_you_mean(name, [one.name for one in known])}: see --list.")
    return found
