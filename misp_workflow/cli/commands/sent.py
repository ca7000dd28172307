"""misp-workflow sent: where did this event go, and what of it is there still?"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import chain, groupby

import click
from rich.table import Table

from misp_workflow import settings
from misp_workflow.cli.screen import Console, echo, echo_list, note
from misp_workflow.delivery.ledger import Sent, ledger_of
from misp_workflow.delivery.lists import shelves
from misp_workflow.errors import InputError
from misp_workflow.settings import Settings, state

PAGE = 200
"""Items in one table; one of ten thousand would be kept in memory whole to find its columns' widths."""


@click.command()
@click.argument("event_uuid")
@click.option("--destination", default="", help="Only this one (as shown here).")
@click.option("--items", "each", is_flag=True, help="Every attribute, object and report, each with its id there.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, an object for each item.")
def command(event_uuid: str, destination: str, each: bool, as_json: bool) -> None:
    """Show where an event went, when, under which id there, and what was taken back.

    Exit status: 0 something of it went out, 1 nothing is known of it, 2 unusable input, or a list that cannot be read.
    """
    rules = settings.in_force()
    uuid_ = _uuid(event_uuid)
    unread: list[str] = []
    ledger = ledger_of(rules, only_looks=True)
    found = chain(ledger.of(uuid_, destination), _listed(rules, uuid_, destination, unread))
    first = next(found, None)
    if not as_json:
        note(" ".join([_where(rules), *ledger.losses()]))
    if first is None:
        if unread:
            raise InputError(" ".join(unread))
        if as_json:
            echo_list([])
        else:
            echo(f"Nothing is known of event {event_uuid}; what was sent is remembered for {_days(rules.ledger_age)}.")
        raise SystemExit(1)
    rows = _before(first, found)
    if as_json:
        echo_list(map(dataclasses.asdict, rows))
    elif each:
        _print_items(rows)
    else:
        Console().print_table(_summary(rows))
    if unread:
        raise InputError(" ".join(unread))


def _listed(rules: Settings, event: str, destination: str, unread: list[str]) -> Iterator[Sent]:
    """Yield what stands of the event in the lists for devices: each list knows that by itself.

    Adds a sentence to `unread` for each list that cannot be read.
    """
    for shelf in shelves(rules):
        if destination not in ("", shelf.name):
            continue
        try:
            standing = shelf.rows()
        except (OSError, sqlite3.Error) as error:
            unread.append(f"What the list {shelf.name} has of it is not known: {error}.")
            continue
        for row in standing:
            if event in row.events:
                yield Sent(
                    event=event,
                    item=row.entry.value,
                    destination=shelf.name,
                    action="blocklist_file",
                    id=shelf.path.name,
                    first=row.since,
                    at=row.since,
                )


def _before(first: Sent, others: Iterator[Sent]) -> Iterator[Sent]:
    yield first
    yield from others


def _uuid(text: str) -> str:
    """Return the uuid as MISP writes it; InputError when it is none."""
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        raise InputError(f"“{text}” is no uuid of an event; MISP shows it on the event's page.") from None


def _where(rules: Settings) -> str:
    if rules.outbox.url_reference:
        return "The ledger is where outbox.url says, or in the state folder."
    return f"The ledger is in {state.whose(rules.state_folder)}."


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds >= 2 * 86_400 else f"{seconds / 3600:.0f} hours"


def _summary(rows: Iterable[Sent]) -> Table:
    """Return one line for each destination and action."""
    table = Table(box=None, header_style="bold")
    for name in ("destination", "action", "what is there", "id there", "first", "last"):
        table.add_column(name, overflow="fold")
    for destination, some in groupby(rows, lambda row: row.destination):
        actions: dict[str, list[Sent]] = {}
        for row in some:
            actions.setdefault(row.action, []).append(row)
        for action, those in sorted(actions.items()):
            ids = sorted({row.called for row in those if row.called})
            shown = ids[0] + (f" and {len(ids) - 1:,} more" if len(ids) > 1 else "") if ids else ""
            times = (_time(min(row.first for row in those)), _time(max(row.at for row in those)))
            table.add_row(destination, action, _told(those), shown, *times)
    return table


def _told(rows: list[Sent]) -> str:
    """Return how much of the event is there: "the event", "12 items, 3 withdrawn"."""
    items = [row for row in rows if row.item and not row.item.startswith("=")]  # "=": a fact that a case shows
    there = sum(not row.withdrawn for row in items)
    parts = [f"{there:,} item{'' if there == 1 else 's'}"] if items else []
    if gone := len(items) - there:
        parts.append(f"{gone:,} withdrawn")
    for row in rows:
        if not row.item:
            parts.insert(0, "the event, withdrawn" if row.withdrawn else "the event")
    return ", ".join(parts)


def _print_items(rows: Iterator[Sent]) -> None:
    console, page = Console(), []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            console.print_table(_items(page))
            page = []
    if page:
        console.print_table(_items(page))


def _items(rows: list[Sent]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("destination", "item", "is", "id there", "first", "last"):
        table.add_column(name, overflow="fold")
    for row in rows:
        is_there = "withdrawn" if row.withdrawn else "there"
        table.add_row(row.destination, row.item or "(the event)", is_there, row.called, _time(row.first), _time(row.at))
    return table


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if 0 < seconds < 1e11 else ""
