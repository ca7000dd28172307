"""misp-workflow route: who would get an event by the routes of the settings, and why the others would not."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from misp_workflow import settings
from misp_workflow.action import routing
from misp_workflow.cli.inputs import FILE, read_event
from misp_workflow.cli.screen import Console, echo_list
from misp_workflow.errors import InputError
from misp_workflow.event import View


@click.command()
@click.argument("event", type=FILE)
@click.argument("names", metavar="[ROUTE]...", nargs=-1)
@click.option("--at", metavar="TIME", help="As if it were then: 2026-12-24T22:00, in this machine's time.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
def command(event: Path, names: tuple[str, ...], at: str | None, as_json: bool) -> None:
    """Hold EVENT against the routes of the settings (all, or those named), line by line.

    What a destination's clearance withholds is not looked at here. Exit status: 0 somebody gets it, 1 nobody, 2
    unusable input.
    """
    rules = settings.current()
    if not rules.routes and not names:
        raise InputError(rules.problem or "The settings have no routes: docs/settings.md shows [[routes]].")
    view, now = View(read_event(event)), _time(at)
    found = [
        (name, line)
        for name in names or dict.fromkeys(one.name for one in rules.routes)
        for line in routing.chosen(rules.route(name), view, now)
    ]
    if as_json:
        echo_list({"route": name, "to": list(one.route.to), "why_not": list(one.why_not)} for name, one in found)
    else:
        table = Table("route", "to", "gets it", "why not")
        for name, one in found:
            table.add_row(
                name, Text(", ".join(one.route.to)), "no" if one.why_not else "yes", Text("; ".join(one.why_not))
            )
        Console().print_table(table)
    if not any(not one.why_not for _, one in found):
        raise SystemExit(1)


def _time(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        return datetime.fromisoformat(written).astimezone()
    except ValueError:
        raise InputError(f"--at {written} is no time; write 2026-12-24T22:00.") from None
