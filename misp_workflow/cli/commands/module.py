"""misp-workflow module: one module on an event, as MISP's "execute module" does."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from rich.markup import escape

from misp_workflow.cli import waiting
from misp_workflow.cli.fitting import refuse_unfit
from misp_workflow.cli.house_rules import warn
from misp_workflow.cli.inputs import FILE, read_event
from misp_workflow.cli.screen import Console, echo, note
from misp_workflow.cli.servers import DRY, module_server, server_options
from misp_workflow.cli.tree import answered, asked
from misp_workflow.effects import mask
from misp_workflow.errors import InputError
from misp_workflow.runner.data.profiles import NEWEST, doubt, profile
from misp_workflow.runner.graph import build
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.catalogue import Modules
from misp_workflow.runner.said.report import exchange_data, secrets_in, without_secrets
from misp_workflow.runner.walk.single import SingleRun, execute


@click.command()
@click.argument("name")
@click.option("--event", type=FILE, required=True, help="The event, in any shape in which MISP hands it out.")
@click.option("--param", "params", metavar="KEY=VALUE", multiple=True, help="A parameter of the node.")
@click.option("--raw", is_flag=True, help="Do not convert the data to MISP core format first.")
@server_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    name: str,
    event: Path,
    params: tuple[str, ...],
    raw: bool,
    server: str | None,
    offline: bool,
    send: bool,
    answers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Execute the module NAME on an event, without a workflow; dry unless --send is given.

    Exit status: 0 success, 1 an error, 2 unusable input.
    """
    data = read_event(event)
    refuse_unfit(data, None, event)
    modules = module_server(server, offline, answers, send=send, named=[name])
    given = _params(params)
    alone = load(build.workflow(name, "event-publish", {2: (name, given)}, [(1, 2)]))
    if not (server or offline):
        waiting.for_lists_in(alone.graph.nodes.values(), send=send)
    done = execute(name, data, given, modules, convert=not raw)
    warn(alone, Modules({kind: {name: done.module} for kind in ("logic", "action")}))
    if sentence := doubt(name, given, profile(NEWEST)):
        note(f"Note: {name}: {sentence}")
    secrets = tuple(secrets_in(name, given, done.module))
    if as_json:
        data = {
            "dry": not send,
            "module": done.module.id,
            "success": done.success,
            "why": done.why,
            "errors": done.errors,
            "exchanges": [exchange_data(exchange) for exchange in done.record.exchanges],
        }
        shown = without_secrets(data, secrets)
        echo(orjson.dumps(shown, default=str, option=orjson.OPT_INDENT_2))
    else:
        if not send:
            echo(DRY)
        _print(done, secrets, Console())
    if not done.success:
        raise SystemExit(1)


def _params(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"--param {text!r} must read KEY=VALUE.")
        found[key] = value
    return found


def _print(done: SingleRun, secrets: tuple[str, ...], console: Console) -> None:
    def shown(text: object) -> str:
        return escape(mask(str(text), secrets))

    end = "[bold green]success[/]" if done.success else "[bold red]error[/]"
    console.print(f"{end} {escape(done.module.id)}: {shown('; '.join(map(str, done.errors)) or done.why)}")
    for exchange in done.record.exchanges:
        console.print(f"{asked(exchange, shown)}{answered(exchange, done.errors, shown)}")
    for effect in done.record.effects:
        console.print(f"MISP would {shown(effect.deed)}")
