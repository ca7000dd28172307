"""misp-workflow faults: what gets through when a Python module fails."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from rich.progress import Progress
from rich.table import Table

from misp_workflow.cli.fitting import handed_over, refuse_unfit, trigger_named
from misp_workflow.cli.inputs import FILE, read_event, read_workflow
from misp_workflow.cli.screen import Console, echo, note
from misp_workflow.cli.servers import described, known_modules
from misp_workflow.cli.version import chosen, misp_option
from misp_workflow.runner.data.profiles import block_in_doubt
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import catalogue
from misp_workflow.runner.said.faults import AS_IT_SHOULD_BE, KINDS, STOPPED, Cell, Matrix, matrix
from misp_workflow.words import counted

SHARED = (
    "MISP compares the approval's name, not whose it is: when another run on the same event leaves its yes there while "
    "the gate fails without a word, this run goes on by it. How long that is possible: docs/gates.md."
)


@click.command()
@click.argument("workflow", type=FILE)
@click.option("--event", type=FILE, required=True, help="The event, in any shape in which MISP hands it out.")
@click.option("--trigger", help="Another trigger than the workflow's own.")
@click.option("--server", metavar="URL", help="Take the list of modules from this server; none is asked anything else.")
@misp_option
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def command(
    workflow: Path, event: Path, trigger: str | None, server: str | None, misp: str | None, as_json: bool
) -> None:
    """Run WORKFLOW once per Python node and kind of failure, and show what MISP does all the same.

    Each gate is tried again with each of MISP's own nodes disabled, all of them, with the Enrichment service off, and
    with an approval that lies on the event already, or that another run leaves there at that moment.

    Nothing is sent anywhere. Exit status: 0 every gate holds, 1 a gate fails open, 2 unusable input.
    """
    document = read_workflow(workflow)
    if trigger is not None:
        document = document.triggered_by(trigger_named(trigger))
    refuse_unfit(read_event(event), document.trigger_id, event)
    trigger_id = document.trigger_id or ""
    world = World(misp=chosen(misp), **handed_over(trigger_id, read_event(event))[1])
    listed = known_modules(server)
    known = {entry["name"] for entry in listed} | set(catalogue(world.misp)["action"])
    listed += [described(name) for name in _unlisted(document, known)]
    console = Console()
    with Progress(console=console, transient=True, disable=as_json) as bar:
        task = bar.add_task("Failing each module in every way …", total=None)
        found = matrix(
            document,
            lambda: handed_over(trigger_id, read_event(event))[0],
            listed,
            world=world,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if as_json:
        echo(orjson.dumps(_as_data(found), option=orjson.OPT_INDENT_2))
    else:
        _print(found, console)
    if any(cell.gate for cell in found.cells) and (sentence := block_in_doubt(trigger_id, world.misp)):
        note(f"Note: {sentence}")
    if found.open_cells:
        raise SystemExit(1)


def _unlisted(workflow: Workflow, known: set[str]) -> list[str]:
    """Modules of the workflow that are not installed here: they exist somewhere, more cannot be said of them."""
    return sorted({node.module for node in workflow.graph.nodes.values() if node.type == "action"} - known)


def _as_data(found: Matrix) -> dict[str, object]:
    return {
        "trigger": found.workflow.trigger_id,
        "blocking": found.blocking,
        "holds": not found.open_cells,
        "agreed": found.agreed.success,
        "cells": [
            {
                "node": cell.node.id,
                "module": cell.node.module,
                "failure": cell.kind,
                "goes_on": cell.goes_on,
                "end": cell.end,
                "gate": cell.gate,
                "fails_open": cell.fails_open,
                "approval": cell.around.approval,
                "disabled": sorted(cell.around.disabled),
                "rendering": cell.around.rendering,
                "elsewhere": cell.around.elsewhere,
            }
            for cell in found.cells
        ],
    }


def _print(found: Matrix, console: Console) -> None:
    if not found.cells:
        console.print("The workflow has no Python module, so none can fail.")
        return
    plain = [cell for cell in found.cells if cell.around == AS_IT_SHOULD_BE]
    table = Table(title=f"{found.workflow.name}: when a module fails, MISP …")
    table.add_column("when it")
    nodes = list({cell.node.key: cell for cell in plain}.values())
    for cell in nodes:
        table.add_column(f"{cell.node.module} ({cell.node.id})\n{'gate' if cell.gate else 'not a gate'}")
    for kind, meaning in KINDS.items():
        table.add_row(meaning, *(_cell(cell) for cell in plain if cell.kind == kind))
    console.print_table(table)
    if any(cell.around != AS_IT_SHOULD_BE for cell in found.cells):
        console.print_table(_circumstances(found))
    stopped = STOPPED.get(str(found.workflow.trigger_id), "it stops")
    if found.blocking and not found.agreed.success:
        console.print(f"[bold yellow]Also when every module says yes, {stopped}[/] ({found.agreed.end}): look why.")
    if found.open_cells:
        ways = len(found.open_cells)
        console.print(f"[bold red]A gate fails open[/] in {counted(ways, 'way')}: MISP goes on though nobody judged.")
        console.print("Put a fail-closed path behind it: see docs/gates.md.")
    elif any(cell.gate for cell in found.cells):
        but = f", but in {counted(len(found.shared_cells), 'way')} told below" if found.shared_cells else ""
        console.print(f"[bold green]Every gate holds[/]: whatever fails, {stopped}{but}.")
        if found.shared_cells:
            console.print(SHARED)
    else:
        console.print("No gate: the workflow blocks nothing by a Python module.")


def _circumstances(found: Matrix) -> Table:
    """One row per thing that is wrong besides, one column per gate; a cell sums up all ways in which it may fail.

    Where nothing but the stop is to be told, one row stands for all of that.
    """
    gates = list({cell.node.key: cell.node for cell in found.cells if cell.gate}.values())
    table = Table(title="the same, when besides …")
    table.add_column("")
    for node in gates:
        table.add_column(f"{node.module} ({node.id})")
    rows = {}
    for around in dict.fromkeys(cell.around for cell in found.cells if cell.around != AS_IT_SHOULD_BE):
        here = [cell for cell in found.cells if cell.around == around]
        rows[around] = [_summed([cell for cell in here if cell.node.key == node.key]) for node in gates]
    if stopping := sum(set(row) == {STOPS} for row in rows.values()):
        tried = f"{counted(stopping, 'combination')} of nodes disabled, old approvals, a service off (--json: each)"
        table.add_row(tried, *(STOPS for _ in gates))
    for around, row in rows.items():
        if set(row) != {STOPS}:
            table.add_row(str(around), *row)
    return table


STOPS = "[green]stops[/]"


def _summed(cells: list[Cell]) -> str:
    went_on = [cell.kind for cell in cells if cell.goes_on]
    if went_on:
        return f"[bold white on red] GOES ON [/] {', '.join(went_on)}"
    crashed = [cell.kind for cell in cells if cell.end == "crash"]
    return STOPS + (f" (crash, no reason logged: {', '.join(crashed)})" if crashed else "")


def _cell(cell: Cell) -> str:
    if cell.fails_open:
        return "[bold white on red] GOES ON [/]"
    if cell.goes_on:
        return "goes on"
    return f"[green]stops[/] ({'crash, no reason logged' if cell.end == 'crash' else cell.end})"
