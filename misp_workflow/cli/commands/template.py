"""misp-workflow template: what a template makes of an event, before a workflow sends it to anybody."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from misp_workflow import settings
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.cli.inputs import FILE, read_event
from misp_workflow.cli.screen import echo
from misp_workflow.delivery import guard
from misp_workflow.errors import InputError
from misp_workflow.template import STYLES, condition, render


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--text", metavar="TEMPLATE", help="The template itself, instead of FILE.")
@click.option("--event", type=FILE, required=True, help="The event, in any shape in which MISP hands it out.")
@click.option(
    "--style",
    type=click.Choice(list(STYLES)),
    metavar="STYLE",
    default="plain",
    show_default=True,
    help=f"The place for which values are escaped: {', '.join(STYLES)}.",
)
@click.option("--condition", "deciding", is_flag=True, help="It is a condition: print true or false.")
def command(file: Path | None, text: str | None, event: Path, style: str, deciding: bool) -> None:
    """Render the template in FILE (- for standard input) on an event, with the names that actions give to templates.

    Nothing is selected and nothing is withheld. Exit status: 0, or 1 for a condition that is false, or 2 when the
    template or the event cannot be used.
    """
    if (file is None) is (text is None):
        raise InputError("Give the template's FILE, or the template itself: --text '{{ event.info }}'.")
    source = _read(file) if file else text or ""
    call = Call(
        params=Params(), data=guard.scrub(read_event(event)), selected=None, settings=settings.current(), withheld=""
    )
    if not deciding:
        echo(render(source, call.context, style))
        return
    holds = condition(source, call.context)
    echo("true" if holds else "false")
    if not holds:
        raise SystemExit(1)


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no file {file}; a template itself is given with --text: --text '{file}'.") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text.") from None
