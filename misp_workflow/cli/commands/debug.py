"""misp-workflow debug: listens where MISP's debug mode posts, and shows the runs live in a page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import click

from misp_workflow import settings
from misp_workflow.cli.inputs import FILE, PORT, read_workflow
from misp_workflow.cli.listening import opened, serve
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import echo
from misp_workflow.debug.app import Listener
from misp_workflow.debug.runs import GraphOf, Runs
from misp_workflow.errors import DeliveryError, GraphError, InputError
from misp_workflow.remote.client import Misp
from misp_workflow.runner.graph.workflow import Workflow, load

USUAL = 27051
"""The port where MISP posts by custom (Plugin.Workflow_debug_url)."""


@click.command()
@click.argument("workflows", metavar="[WORKFLOW]...", type=FILE, nargs=-1)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=PORT, default=USUAL, show_default=True, help="Port to listen at; 0: any that is free.")
@misp_options
def command(
    workflows: tuple[Path, ...], listen: str, port: int, misp_url: str | None, misp_key: str | None, at: str | None
) -> None:
    """Show the runs of MISP's workflows live, from what their debug mode posts. Needs the extra [serve].

    The graphs come from the WORKFLOW files given, else from the MISP of the settings. `misp-workflow run --debug URL`
    posts here, too. The printed address holds a key: who has it reads the events.
    """
    try:
        import uvicorn
    except ImportError:
        raise InputError("The web server is not installed: pip install 'misp-workflow-actions[serve]'.") from None
    known = {document.trigger_id or "": document for document in map(read_workflow, workflows)}
    listener = Listener(Runs(_graphs(known, misp_url, misp_key, at)), secrets.token_urlsafe(24))
    listening, where = opened(listen, port)
    with listening:
        echo(f"MISP posts to    {where}    (Plugin.Workflow_debug_url; each workflow's debug mode on)")
        echo(f"Watch the runs   {where}/watch?key={listener.key}    Stop with Ctrl-C.")
        # A page that waits for news is no reason to go on, nor to print a traceback.
        rules = uvicorn.Config(listener.app(), log_level="critical", server_header=False, timeout_graceful_shutdown=1)
        serve(rules, listening)


def _graphs(known: Mapping[str, Workflow], url: str | None, key: str | None, at: str | None) -> GraphOf:
    """Return how a trigger's graph is found: among the files, else in MISP where one is named."""
    place = settings.current().misp
    asks = url or at or place.url or (place.choices and not known)
    misp = Misp(settings_for(url, key, at)) if asks else None

    def graph_of(trigger: str) -> Workflow | None:
        if trigger in known or misp is None:
            return known.get(trigger)
        try:
            stored = misp.workflow(trigger)
            found = stored.content if stored else None
            row = found and {"name": found.name, "trigger_id": found.trigger, "data": found.graph}
            return load({"Workflow": row}) if row else None
        except (DeliveryError, GraphError, InputError) as trouble:
            echo(f"The graph of {trigger} is not known: {trouble}", err=True)
            return None

    return graph_of
