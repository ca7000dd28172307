"""misp-workflow run: a workflow on an event, as MISP would run it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from misp_workflow.cli.inputs import read_event, read_workflow
from misp_workflow.cli.tree import print_run
from misp_workflow.runner.moduleapi import HttpServer, LocalServer, ModuleServer
from misp_workflow.runner.walk import run

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("workflow", type=FILE)
@click.option("--event", type=FILE, required=True, help="The event, in any shape in which MISP hands it out.")
@click.option("--trigger", help="Another trigger than the workflow's own.")
@click.option("--server", metavar="URL", help="A misp-modules server; without it actions are loaded in this process.")
def command(workflow: Path, event: Path, trigger: str | None, server: str | None) -> None:
    """Run WORKFLOW (as MISP exports it) on an event and print the path taken.

    Exit status: 0 success, 1 blocked or failure, 2 unusable input.
    """
    done = run(read_workflow(workflow), read_event(event), module_server(server), trigger=trigger)
    print_run(done, Console())
    if not done.success:
        raise SystemExit(1)


def module_server(url: str | None) -> ModuleServer:
    """Return the server at the address, or one in this process that loads the pack's actions by path."""
    return HttpServer(url) if url else LocalServer([_actions()])


def _actions() -> Path:
    """The folder with the actions: in a checkout beside this package, else in misp-modules' own."""
    return Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod"
