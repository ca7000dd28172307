"""misp-workflow install: an example, with what it asks answered, into a MISP or as a blueprint."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape

from misp_workflow.cli.commands.push import Wanted, push
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console, echo
from misp_workflow.cli.servers import own_modules
from misp_workflow.errors import InputError
from misp_workflow.remote import document
from misp_workflow.remote.examples import Example, example, examples, of_misp
from misp_workflow.remote.files import save
from misp_workflow.remote.folder import secrets_of
from misp_workflow.runner.graph.build import as_blueprint


@click.command()
@click.argument("name", metavar="[EXAMPLE]", required=False)
@misp_options
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="An answer; also MODULE.PARAMETER=VALUE.")
@click.option("--enable/--no-enable", default=None, help="Enable the trigger and the modules that it needs, or not.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--replace", is_flag=True, help="Take the place of whatever MISP has for the trigger, or of the file.")
@click.option("--blueprint", "target", type=click.Path(dir_okay=False, path_type=Path),
              help="Write MISP's blueprint format to this file instead, to be imported by hand.")  # fmt: skip
def command(
    name: str | None,
    misp_url: str | None,
    misp_key: str | None,
    at: str | None,
    given: tuple[str, ...],
    enable: bool | None,
    dry_run: bool,
    replace: bool,
    target: Path | None,
) -> None:
    """Put the example workflow EXAMPLE into MISP; without a name, list the examples and what each asks.

    What is not answered by --set is asked, or on no terminal left as the example has it. Exit status as of push.
    """
    if name is None:
        _list(Console())
        return
    chosen, asking = example(name), sys.stdin.isatty()
    content = chosen.answered({**(_asked(chosen, given) if asking else {}), **_answers(given)})
    content = of_misp(content, at, own_modules()) if at else content
    if target is not None:
        if target.exists() and not replace:
            raise InputError(f"{target} is there already; choose another name, or let this take its place: --replace.")
        save(target, document.text(as_blueprint(content.document())), secret=bool(secrets_of(content)))
        echo(f"{target}: import it under Workflows, Blueprints; it belongs behind the trigger {content.trigger}.")
        return
    if enable is None:
        enable = asking and click.confirm("Enable it, with the modules that it needs?", default=False)
    rules = settings_for(misp_url, misp_key, at)
    raise SystemExit(push(rules, [Wanted(name, content)], enable=enable, dry_run=dry_run, replace=replace))


def _answers(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--set {text!r} must read NAME=VALUE.")
        found[name.strip()] = value
    return found


def _asked(chosen: Example, given: tuple[str, ...]) -> dict[str, str]:
    answered = _answers(given)
    waiting = [one for one in chosen.questions if one.name not in answered]
    return {one.name: click.prompt(one.text, default=one.default) for one in waiting}


def _list(console: Console) -> None:
    for name, one in examples().items():
        console.print_hanging(f"[bold]{name}[/]  on {one.content.trigger}: {escape(one.content.description)}", 0)
        for question in one.questions:
            asks = f"--set {question.name}=…  {question.text} [{question.default}]".replace("\n", ", ")
            console.print_hanging(escape(asks), 4)
