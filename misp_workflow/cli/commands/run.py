"""misp-workflow run: a workflow on an event, as MISP would run it."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import orjson

from misp_workflow.cli import waiting
from misp_workflow.cli.fitting import handed_over, refuse_unfit, trigger_named
from misp_workflow.cli.house_rules import warn
from misp_workflow.cli.inputs import FILE, NEW_FILE, read_blueprint, read_event, read_json, read_workflow
from misp_workflow.cli.screen import Console, echo
from misp_workflow.cli.servers import DRY, module_server, server_options
from misp_workflow.cli.side_by_side import print_comparison
from misp_workflow.cli.tree import print_run
from misp_workflow.cli.version import chosen, misp_option
from misp_workflow.debug.telling import posts, tell
from misp_workflow.errors import InputError
from misp_workflow.remote.files import save
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow, attach_blueprint
from misp_workflow.runner.modules.moduleapi import HttpServer
from misp_workflow.runner.said.check import not_saved
from misp_workflow.runner.said.report import as_data, as_html
from misp_workflow.runner.walk.walk import Run, run

OFFLINE = "no module was asked (--offline): this is the way through the graph, not how a gate would judge."
SHOWN = ("as_json", "html", "debug", "send", "strict")
UNUSED_WITH = {
    "loop": (*SHOWN, "misp_compare", "server", "offline", "answers", "adhoc"),
    "misp_compare": (*SHOWN, "misp", "server"),
}


@click.command()
@click.argument("workflow", type=FILE, required=False)
@click.option("--event", type=FILE, required=True, help="The event, in any shape in which MISP hands it out.")
@click.option("--trigger", help="Another trigger than the workflow's own, or the one that a blueprint names.")
@click.option("--blueprint", type=FILE, help="A MISP blueprint to attach after the trigger, as the editor does.")
@server_options
@misp_option
@click.option(
    "--misp-compare",
    metavar="OLD NEW",
    nargs=2,
    help="Run under two versions of MISP, modules scripted, and show side by side what an upgrade changes.",
)
@click.option(
    "--adhoc", type=FILE, multiple=True, help="An ad-hoc workflow that run-workflow can call; several may be."
)
@click.option("--strict", is_flag=True, help="End where it is not established what this MISP does.")
@click.option(
    "--loop",
    metavar="N",
    type=click.IntRange(1, 1000),
    help="Run again for each time that changes in MISP fire the trigger, N times at most. MISP is a stand-in.",
)
@click.option(
    "--debug", metavar="URL", help="Post the run there, as MISP's debug mode does: misp-workflow debug shows it."
)
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@click.option("--html", type=NEW_FILE, help="Write the run as a page to this file.")
def command(
    workflow: Path | None,
    event: Path,
    trigger: str | None,
    blueprint: Path | None,
    server: str | None,
    offline: bool,
    send: bool,
    answers: tuple[str, ...],
    misp: str | None,
    misp_compare: tuple[str, str] | None,
    adhoc: tuple[Path, ...],
    strict: bool,
    loop: int | None,
    debug: str | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Run WORKFLOW (as `pull` writes it, or MISP's API shows it) on an event and print the path taken.

    The run is dry unless --send is given: nothing is sent, asked, changed in MISP, kept or remembered.

    Exit status: 0 success, 1 blocked or failure (--misp-compare: a difference), 2 unusable input.
    """
    _refuse_unused(click.get_current_context())
    document = _workflow(workflow, blueprint, trigger)
    data, fires = read_event(event), trigger_named(trigger or document.trigger_id or "")
    refuse_unfit(data, fires, event)
    if loop is not None:
        _loop(document if trigger is None else document.triggered_by(trigger), data, loop, World(misp=chosen(misp)))
        return
    data, given, notes = handed_over(fires, data)
    around = {"adhoc_workflows": [read_json(path) for path in adhoc], **given}
    named = {node.module for one in (document, *map(read_workflow, adhoc)) for node in one.graph.nodes.values()}
    if misp_compare is not None:
        worlds = [World(misp=profile(version), **around) for version in misp_compare]
        scripted = [(world, module_server(None, True, answers, named=named)) for world in worlds]
        old, new = (run(document, data, modules, trigger=trigger, world=world) for world, modules in scripted)
        raise SystemExit(1 if print_comparison(old, new, Console()) else 0)
    world = World(misp=chosen(misp, ask=send), strict=strict, **around)
    modules = module_server(server, offline, answers, send=send, named=named)
    if not (server or offline):
        waiting.for_lists_in(document.graph.nodes.values(), send=send)
    done = run(document, data, modules, trigger=trigger, world=world)
    done.notes += [*notes, *([OFFLINE] if offline else [])]
    for finding in not_saved(document, done.modules) if done.modules else []:
        echo(f"misp-workflow: MISP would not save this graph. {finding}", err=True)
    warn(document, done.modules, world)
    if debug is not None:
        tell(HttpServer(debug), posts(done, data))
    if html is not None:
        save(html, as_html(done, _head(workflow or blueprint, event, send)), secret=True)
    _print(done, as_json, send)
    if not done.success:
        raise SystemExit(1)


def _print(done: Run, as_json: bool, send: bool) -> None:
    if as_json:
        echo(orjson.dumps({"dry": not send, **as_data(done)}, default=str, option=orjson.OPT_INDENT_2))
        return
    if not send:
        echo(DRY)
    print_run(done, Console())


def _head(workflow: Path | None, event: Path, send: bool) -> dict[str, str]:
    how = "for real" if send else "dry: nothing was sent or changed"
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return {"Workflow file": str(workflow), "Event file": str(event), "Run": f"{when}, {how}"}


def _refuse_unused(given: click.Context) -> None:
    """Raise InputError for options that would be passed over where another one is given."""
    options = {option.name: option.opts[-1] for option in given.command.params}
    for name, unused in UNUSED_WITH.items():
        if given.params[name] and (others := [options[other] for other in unused if given.params[other]]):
            raise InputError(f"{options[name]} does not go together with {', '.join(others)}.")


def _loop(document: Workflow, data: Any, most: int, world: World) -> None:
    from misp_workflow.cli.loop import simulate  # the stand-in for MISP is loaded by those who need it

    if not simulate(document, data, most, Console(), world):
        raise SystemExit(1)


def _workflow(workflow: Path | None, blueprint: Path | None, trigger: str | None) -> Workflow:
    if workflow is not None:
        base = read_workflow(workflow)
        return attach_blueprint(base, read_json(blueprint)) if blueprint else base
    if blueprint is None:
        raise InputError("Give a file with a workflow, or with a blueprint.")
    return read_blueprint(blueprint, trigger)
