"""misp-workflow outbox: what waits, what died, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from misp_workflow import settings
from misp_workflow.cli.checks.outbox import last_changed
from misp_workflow.cli.commands.metrics import command as metrics
from misp_workflow.cli.screen import Console, echo, echo_list, note
from misp_workflow.delivery.deliver import GRACE
from misp_workflow.delivery.house import Ending, House
from misp_workflow.delivery.outbox import Entry, Outbox, Totals, open_outbox
from misp_workflow.effects import masked
from misp_workflow.errors import InputError
from misp_workflow.settings import state

SHOWN_ID = 10
"""Characters of an id that are shown; any beginning that only one effect has is taken."""

FIRST = 100
"""Entries that the list shows unless it is asked for more."""
PAGE = 100
"""Entries in one table: a table's columns cannot be known before all of it is."""
BATCH = 10_000
"""Effects that one change takes."""
LIGHT = 20
"""How many times longer than a look at the numbers takes `work` waits before the next one."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


@click.group(invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show what waits to be delivered and what could not be, and why."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_entries, as_json=as_json)


command.add_command(metrics, "metrics")  # its first name, which stands in people's timers


@command.command("list")
@as_json_option
@click.option("--dead", is_flag=True, help="Only what died.")
@click.option("--limit", default=FIRST, show_default=True, help="Show no more than so many; 0: all. JSON has all.")
def list_entries(as_json: bool, dead: bool = False, limit: int = FIRST) -> None:
    """Show what waits and what died: since when, next try, why."""
    box = _open()
    found = box.each("dead" if dead else "")
    for notice in box.notices():
        note(f"Note: {notice}")
    if as_json:
        echo_list(map(dataclasses.asdict, found))
        return
    note(where(settings.in_force()))
    shown = 0
    while page := list(islice(found, min(PAGE, limit - shown) if limit else PAGE)):
        Console().print_table(_table(page))
        shown += len(page)
    if not shown:
        echo("Nothing waits, and nothing died.")
    elif limit and shown == limit and (rest := _number(box.totals(), dead) - shown) > 0:
        echo(f"… and {rest} more: --limit 0 shows all of them, --json writes them for a program.")


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything, what died included.")
@click.option("--destination", help="All for this destination (as the list shows it).")
@as_json_option
def retry(ids: Sequence[str], everything: bool, destination: str | None, as_json: bool) -> None:
    """Try again now; what died gets a new life."""
    box = _open()
    earlier, changed = 0, last_changed(settings.in_force())

    def chosen() -> Iterator[Entry]:
        nonlocal earlier
        for entry in _chosen(box, ids, everything, destination):
            earlier += entry.created < changed
            yield entry

    number = sum(map(box.requeue, _batches(chosen())))
    if earlier:
        told = f"{earlier} of them {'was' if earlier == 1 else 'were'} accepted before the settings last changed"
        echo(
            f"Warning: {told}, and {'goes' if earlier == 1 else 'go'} with the clearance and address of then.", err=True
        )
    _said(as_json, f"{number} will be tried again now.", requeued=number)


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that waits or died.")
@click.option("--destination", help="All for this destination (as the list shows it).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def drop(ids: Sequence[str], everything: bool, destination: str | None, yes: bool, as_json: bool) -> None:
    """Remove for good; it will not be delivered."""
    house = House(settings.in_force())
    click.get_current_context().call_on_close(lambda: house.close(GRACE))
    chosen = _chosen(house.outbox, ids, everything, destination)
    asks = not yes and not (ids and as_json)  # a program that names what it means cannot be asked
    if asks and (number := sum(1 for _ in _chosen(house.outbox, ids, everything, destination))):
        click.confirm(f"Remove {number} for good?", abort=True, err=True)
    dropped = 0
    for keys in _batches(chosen):
        for entry in house.outbox.drop(keys):
            house.log_entry("dropped", entry)
            dropped += 1
    _said(as_json, f"{dropped} removed.", dropped=dropped)


@command.command()
@click.argument("id_", metavar="ID")
@as_json_option
def show(id_: str, as_json: bool) -> None:
    """Show one effect whole, its secrets masked."""
    box = _open()
    entry, effect = box.show(_one(box, id_).key)
    values = {**dataclasses.asdict(entry), "effect": masked(effect)}
    if as_json:
        _write_json(values)
        return
    width = max(map(len, values))  # no table of rich's: it takes seconds for an effect of a large event
    for name, value in values.items():
        if name in ("created", "due", "ended"):
            value = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value)) if value else ""
        if value not in ("", None):
            shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            echo(f"{name:{width}}  " + shown.replace("\n", "\n" + " " * (width + 2)))


@command.command()
@click.option("--until-empty", is_flag=True, help="End when nothing waits any more.")
@as_json_option
def work(until_empty: bool, as_json: bool) -> None:
    """Deliver what waits, as a process of its own, until it is stopped."""
    tally: Counter[str] = Counter()
    ends = _Ends()

    def watch(ending: Ending) -> None:
        tally[ending.how] += 1
        if as_json:
            line = {"status": ending.how, "key": ending.claim.parcel.key, "lane": ending.claim.lane}
            echo(json.dumps({**line, "label": ending.claim.parcel.effect.label, "detail": ending.detail}))

    house = House(settings.in_force(), watch)
    note(where(settings.in_force()))
    for notice in house.outbox.notices():
        note(f"Note: {notice}")
    house.workers.start()
    screen = Console(stderr=True)
    try:
        with Live(console=screen, refresh_per_second=2, transient=True, redirect_stdout=False) as live:
            while not ends.asked and not (until_empty and not house.outbox.anything_waits()):
                began = time.monotonic()
                live.update(_progress(house.outbox.totals(), tally))
                looked = began + max(0.5, LIGHT * (time.monotonic() - began))
                while not ends.asked and time.monotonic() < looked and not (until_empty and _is_idle(house)):
                    ends.wait(0.5)
    finally:
        house.close(GRACE)
    if not as_json:
        done = ", ".join(f"{number} {how}" for how, number in sorted(tally.items())) or "nothing to do"
        echo(f"Worked off: {done}.")


def _is_idle(house: House) -> bool:
    return not house.outbox.anything_waits()


class _Ends:
    """Whether somebody asked this process to end (Ctrl-C, or a service manager)."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.asked and time.monotonic() < end:
            time.sleep(0.05)


def _open() -> Outbox:
    box = open_outbox(settings.in_force())
    click.get_current_context().call_on_close(box.close)
    return box


def where(rules: settings.Settings) -> str:
    """Return which outbox these settings mean, and whose it is."""
    if rules.outbox.url_reference:
        return "The outbox is the broker's that outbox.url names."
    return f"The outbox is in {state.whose(rules.state_folder)}."


def _number(totals: Totals, dead: bool) -> int:
    return sum(number for (_, state), number in totals.counts.items() if not dead or state == "dead")


def _chosen(box: Outbox, ids: Sequence[str], everything: bool, destination: str | None) -> Iterator[Entry]:
    """Return the entries that a command line names; InputError when it names none, or one that is not there."""
    if bool(ids) + everything + (destination is not None) != 1:
        raise InputError("Name one or more ids, or --all, or --destination.")
    if ids:
        return iter([_one(box, given) for given in ids])
    return (entry for entry in box.each() if everything or destination in (entry.lane, entry.destination))


def _one(box: Outbox, given: str) -> Entry:
    found = box.find(given)
    if len(found) != 1:
        raise InputError(f"{'Nothing' if not found else 'More than one effect'} in the outbox has the id “{given}”.")
    return found[0]


def _batches(entries: Iterator[Entry]) -> Iterator[list[str]]:
    """Return the keys of the entries, as many at a time as fit one change."""
    while some := [entry.key for entry in islice(entries, BATCH)]:
        yield some


def _said(as_json: bool, sentence: str, **numbers: int) -> None:
    if as_json:
        _write_json(numbers)
    else:
        echo(sentence)


def _write_json(value: Any) -> None:
    echo(json.dumps(value, indent=2, ensure_ascii=True))


def _table(entries: Sequence[Entry]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("id", no_wrap=True)
    table.add_column("state")
    table.add_column("what")
    table.add_column("to")
    table.add_column("since", no_wrap=True)
    table.add_column("tries", justify="right")
    table.add_column("next try", no_wrap=True)
    table.add_column("why", overflow="fold")
    now = time.time()
    for entry in entries:
        when = {"dead": "", "sending": "now"}.get(entry.state) or _until(entry.due - now)
        cells = [entry.key[:SHOWN_ID], entry.state, entry.label, entry.lane, _ago(now - entry.created)]
        cells += [str(entry.tries), "" if entry.state == "dead" else when, entry.reason]
        table.add_row(*map(Text, cells), style="red" if entry.state == "dead" else "")
    return table


def _ago(seconds: float) -> str:
    return "now" if seconds < 1 else f"{_span(seconds)} ago"


def _until(seconds: float) -> str:
    return "now" if seconds < 1 else f"in {_span(seconds)}"


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _progress(totals: Totals, tally: Counter[str]) -> Table:
    waiting = sum(number for (_, state), number in totals.counts.items() if state != "dead")
    dead = sum(number for (_, state), number in totals.counts.items() if state == "dead")
    table = Table(box=None, show_header=False)
    table.add_row("waiting", str(waiting))
    table.add_row("dead letters", str(dead))
    for how, number in sorted(tally.items()):
        table.add_row(f"{how} by this process", str(number))
    return table
