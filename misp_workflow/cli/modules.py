"""misp-workflow modules: every action of this pack, what it does, and whether it takes back what MISP withdraws."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import click
from rich.table import Table

from misp_workflow.cli.screen import Console, echo_list
from misp_workflow.installed import own_actions
from misp_workflow.testing.contract import ActionFile


@dataclass(frozen=True)
class Told:
    """One action. `updates` and `withdraws` are "" for what sends nothing to anybody: a gate, a change in MISP."""

    name: str
    description: str
    kind: str
    updates: str
    withdraws: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(as_json: bool) -> None:
    """Show the actions of this pack, and whether each updates and withdraws what it has sent."""
    found = [_told(ActionFile.load(file)) for file in own_actions()]
    if as_json:
        echo_list(map(dataclasses.asdict, found))
        return
    table = Table("action", "what it does", "kind", "updates", "withdraws")
    for one in found:
        table.add_row(one.name, one.description, one.kind, one.updates, one.withdraws)
    Console().print_table(table)


def _told(action: ActionFile) -> Told:
    config, info = action.module.moduleconfig, action.module.moduleinfo
    leaves = config.get("leaves_home", not config["blocking"])
    kind = "gate" if config["blocking"] else "sends" if leaves else "changes MISP"
    said = {name: config.get(name, "no") if leaves else "" for name in ("updates", "withdraws")}
    return Told(action.name, info["description"], kind, **said)
