"""misp-workflow actions: find the action for what is to be done."""

from __future__ import annotations

import dataclasses

import click
from rich.markup import escape

from misp_workflow.cli.overview import GROUPS, Told, told
from misp_workflow.cli.screen import Console, echo_list
from misp_workflow.errors import InputError
from misp_workflow.installed import own_actions


@click.command()
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the actions as JSON.")
def command(word: str | None, as_json: bool) -> None:
    """Show what there is for what: all actions, or those that WORD stands in ("mail", "gate", "splunk").

    Each with the triggers that it is for, whether it can stop them, and when another module serves better.
    Exit status: 0 found, 2 nothing is called so.
    """
    found = [one for one in told(own_actions()) if word is None or one.has(word)]
    if not found:
        raise InputError(f"No action has '{word}' in its name, its group or what it does.")
    if as_json:
        echo_list(map(dataclasses.asdict, found))
        return
    console = Console()
    for group, meaning in GROUPS.items():
        if members := [one for one in found if one.group == group]:
            console.print(f"[bold]{group}[/]: {meaning}", highlight=False)
            for one in members:
                _print(one, console)


def _print(one: Told, console: Console) -> None:
    stops = "; can stop it" if one.blocking else ""
    console.print_hanging(f"[cyan]{one.name}[/]  {escape(one.description)}", 2)
    when = "any trigger" if one.triggers == "any" else one.triggers
    console.print_hanging(f"[dim]on {escape(when)}{stops}[/]", 4)
    if one.instead:
        console.print_hanging(f"[dim]or: {escape(one.instead)}[/]", 4)
