"""misp-workflow list: what stands in the lists that devices read, whether their files say so, and a web server."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterator

import click
from rich.table import Table

from misp_workflow import settings
from misp_workflow.cli.inputs import PORT
from misp_workflow.cli.screen import Console, echo
from misp_workflow.delivery.lists import Shelf, shelf_of, shelves
from misp_workflow.errors import InputError
from misp_workflow.settings import state

MOST_SHOWN = 20

as_json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


@click.group(invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show what stands in each list: since when, until when, from which event."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show, as_json=as_json)


@command.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"Every entry, not only the first {MOST_SHOWN} of each list.")
@as_json_option
def show(names: tuple[str, ...] = (), everything: bool = False, as_json: bool = False) -> None:
    """Show what stands in these lists, or in all."""
    for shelf in _chosen(names):
        with _in_words(shelf, "read"):
            rows = shelf.rows()
        if as_json:
            for row in rows:
                told = {"list": shelf.name, "value": row.entry.value, "kind": row.entry.kind}
                echo(json.dumps({**told, "since": row.since, "until": row.until or None, "events": row.events}))
            continue
        if not rows:
            echo(f"{shelf.name}: nothing stands in {shelf.path}")
            continue
        table = Table("value", "kind", "since", "until", "events", title=f"{shelf.name}: {len(rows):,} in {shelf.path}")
        for row in rows if everything else rows[:MOST_SHOWN]:
            until = _time(row.until) if row.until else "withdrawn"
            table.add_row(row.entry.value, row.entry.kind, _time(row.since), until, "\n".join(row.events))
        Console().print_table(table)
        if len(rows) > MOST_SHOWN and not everything:
            echo(f"… and {len(rows) - MOST_SHOWN:,} more: misp-workflow list show {shelf.name} --all")


@command.command()
@click.argument("names", nargs=-1)
@as_json_option
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Say how the published files differ from what should stand there.

    Exit status: 0 they do not, 1 they do, 2 unusable input, or what cannot be read.
    """
    clean = True
    for shelf in _chosen(names):
        with _in_words(shelf, "read"):
            found = shelf.check()
        clean = clean and found.clean
        if as_json:
            echo(json.dumps({"list": shelf.name, "clean": found.clean, **dataclasses.asdict(found)}))
        elif found.clean:
            echo(f"✔ {shelf.path} says what the list {shelf.name} says.")
        else:
            _tell(shelf, found.gone, found.missing, found.beside)
    if not clean:
        raise SystemExit(1)


def _tell(shelf: Shelf, gone: bool, missing: tuple[str, ...], beside: tuple[str, ...]) -> None:
    echo(f"✘ {shelf.path} is not what the list says; write it anew with: misp-workflow list rebuild {shelf.name}")
    if gone:
        echo("  there is no such file")
    for sign, lines in (("-", missing), ("+", beside)):
        for line in lines[:MOST_SHOWN]:
            echo(f"  {sign} {line!r}")
        if len(lines) > MOST_SHOWN:
            echo(f"  {sign} … and {len(lines) - MOST_SHOWN:,} more")


@command.command()
@click.argument("names", nargs=-1)
def rebuild(names: tuple[str, ...]) -> None:
    """Take out what has lived its life, and write the files anew.

    Run it each night, so that entries end in time.
    """
    for shelf in _chosen(names):
        with _in_words(shelf, "written"):
            number = shelf.rebuild()
        echo(f"{shelf.path}: {number:,} {'entry' if number == 1 else 'entries'}")


@command.command()
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=PORT, default=8088, show_default=True, help="Port to listen at; 0: any that is free.")
def serve(listen: str, port: int) -> None:
    """Publish the lists over HTTP, for a small house.

    Put TLS in front of it. Needs the extra [serve].
    """
    from misp_workflow.cli.list_server import run

    run(settings.in_force(), listen, port)


def _chosen(names: tuple[str, ...]) -> list[Shelf]:
    rules = settings.in_force()
    found = [shelf_of(rules, name) for name in names] if names else list(shelves(rules))
    if not found:
        raise InputError("The settings keep no list: docs/lists.md shows the table [destinations.NAME.list].")
    return found


@contextlib.contextmanager
def _in_words(shelf: Shelf, done: str) -> Iterator[None]:
    """Raise InputError for what keeps the list, or what is known of it, from being read or written."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        rules = settings.current()
        why = state.refusal(rules.state_folder) or getattr(error, "strerror", None) or str(error)
        raise InputError(f"The list {shelf.name} ({shelf.path}) cannot be {done}: {why}.") from None


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
