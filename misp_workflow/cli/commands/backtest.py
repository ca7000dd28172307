"""misp-workflow backtest: what a workflow would have done with the events that are there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import orjson
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from misp_workflow import __version__, settings
from misp_workflow.cli.inputs import FILE, NEW_FILE, read_json, read_workflow
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console, echo
from misp_workflow.cli.servers import actions, actions_option
from misp_workflow.cli.waiting import for_lists_in
from misp_workflow.errors import InputError
from misp_workflow.remote.files import save
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.settings import Settings
from misp_workflow.trial.backtest import Source, Task, backtest, lines_of
from misp_workflow.trial.events import DIFFERS, Folder, digest, handed
from misp_workflow.trial.journal import Journal, cache_folder
from misp_workflow.trial.page import PARTS, WITH_STOPPED, as_html
from misp_workflow.trial.summary import Group, Summary, summarize

DRAW_EVERY = 0.2
"""Seconds between two drawings of the progress."""
MOST = 10
"""Entries that each table on the terminal shows."""


@click.command()
@click.argument("workflow", type=FILE)
@click.argument("events", type=click.Path(exists=True, path_type=Path), nargs=-1)
@click.option("--last", metavar="30d", help="Take the events of MISP that were changed within this time: 12h, 30d, 8w.")
@misp_options
@click.option(
    "--misp", "version", metavar="VERSION", help="The version of MISP, such as 2.5.1; with --last it is asked."
)
@click.option("--html", type=NEW_FILE, help="Write the outcome as a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes that work at once; as many as cores, else.")
@click.option("--journal", type=click.Path(dir_okay=False, path_type=Path),
              help="Keep what is judged in this file, for good; else in the cache folder, until done.")  # fmt: skip
@actions_option
@click.option("--fresh", is_flag=True, help="Begin anew, also where an earlier backtest was interrupted.")
def command(
    workflow: Path,
    events: tuple[Path, ...],
    last: str | None,
    misp_url: str | None,
    misp_key: str | None,
    at: str | None,
    version: str | None,
    html: Path | None,
    as_json: bool,
    jobs: int | None,
    journal: Path | None,
    fresh: bool,
) -> None:
    """Run WORKFLOW, dry, on EVENTS (files as MISP exports them, or folders of such files), or on MISP's with --last.

    Nothing is sent and nothing is changed. Interrupted, it goes on where it was. Exit status: 0 done, 1 some events
    could not be read, 2 unusable input or no answer.
    """
    if bool(events) == bool(last):
        raise InputError("Give either files or folders with events, or --last 30d for those of MISP.")
    since = _in_days(last) if last else ""
    document = read_workflow(workflow)
    trigger = document.trigger_id or ""
    handed(trigger)
    source = _misp_events(settings_for(misp_url, misp_key, at), since) if since else Folder(events)
    prepare = partial(for_lists_in, list(document.graph.nodes.values()))
    world = World(misp=profile(version) if version else source.misp())
    task = Task(read_json(workflow), tuple(actions()), source, world, prepare)
    place = _place(journal, workflow, source, world.misp.version)
    summary = Summary(document.name, trigger, source.name, DIFFERS.get(trigger, ""))
    with Journal(place, fresh=fresh) as kept:
        try:
            _work(task, kept, jobs or _cores(), summary)
        except KeyboardInterrupt:
            echo("Interrupted. What is judged already is kept: the same command goes on from there.", err=True)
            raise SystemExit(130) from None
    if journal is None:
        kept.remove()
    _show(summary, html, as_json)
    if summary.problems:
        raise SystemExit(1)


def _in_days(last: str) -> str:
    """Return a time as MISP reads it, which knows no weeks; InputError for what is none."""
    if not (last[:-1].isdecimal() and last[-1] in "smhdw"):
        raise InputError(f"--last {last} is no time; write a number with s, m, h, d or w, such as 30d.")
    return f"{7 * int(last[:-1])}d" if last.endswith("w") else last


def _show(summary: Summary, html: Path | None, as_json: bool) -> None:
    if html is not None:
        save(html, as_html(summary), secret=True)
    if as_json:
        echo(orjson.dumps(summary.data(), option=orjson.OPT_INDENT_2).decode())
    else:
        print_summary(summary, Console())


def _misp_events(rules: Settings, last: str) -> Source:
    from misp_workflow.remote.events import MispEvents  # and with it PyMISP, which a folder does not need

    return MispEvents(rules, last)


def _work(task: Task, journal: Journal, jobs: int, summary: Summary) -> None:
    """Judge what is not judged yet, and fill the summary; progress goes to the terminal's other stream."""
    console = Console(stderr=True)
    units = task.source.units()
    if not units:
        raise InputError(f"There are no events in {task.source.name}.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Drawn by hand: a thread for it would keep this process from being copied, which is the quick way to more of them.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        shown, drawn = bar.add_task("Trying each event, dry …", total=len(units)), 0.0

        def progress(done: int, of: int) -> None:
            nonlocal drawn
            bar.update(shown, completed=done, total=of)
            if time.monotonic() - drawn > DRAW_EVERY:
                bar.refresh()
                drawn = time.monotonic()

        backtest(task, units, journal, jobs, progress)
    summarize(summary, lambda: lines_of(units, journal))


def _place(named: Path | None, workflow: Path, source: Source, version: str) -> Path:
    """Return where the journal is: for the same workflow, settings and events the same."""
    if named is not None:
        return named
    path = settings.current().path
    rules = path.read_bytes() if path is not None and path.is_file() else b""
    name = digest(__version__, version, workflow.read_bytes(), rules, source.name)
    return cache_folder() / "backtests" / f"{name}.jsonl"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        return os.cpu_count() or 1


def print_summary(summary: Summary, console: Console) -> None:
    """Print the outcome, the most surprising first."""
    say: Callable[[str], None] = lambda text: console.print(text, highlight=False, soft_wrap=True)  # noqa: E731
    ends = ", ".join(
        f"{number:,} {'passed' if end == 'success' else end}" for end, number in sorted(summary.ends.items())
    )
    say(f"[bold]{escape(summary.workflow)}[/] on {escape(summary.trigger)}, for {escape(summary.source)}")
    say(f"{summary.events:,} events, {summary.runs:,} runs: [bold]{ends or 'none'}[/]. Nothing was sent or changed.")
    if summary.note:
        say(f"[dim]{escape(summary.note)}[/]")
    if summary.idle:
        say(summary.idle)
    if summary.surprises:
        say("\n[bold]Most surprising[/]")
    for row in summary.surprises[:MOST]:
        end = "[green]passes[/]" if row["end"] == "success" else f"[red]{row['end']}[/]"
        by = f" by {row['by']}" if row.get("by") else ""
        why = f": {'; '.join(row['why'])}" if row.get("why") else ""
        say(f"• event {escape(row['id'] or row['event'])} {escape(row['info'])}")
        say(f"    {end}{escape(by + why)}")
        more = f"; {row['alike'] - 1:,} more like it" if row["alike"] > 1 else ""
        say(f"    [dim]{escape('; '.join(row['surprising']))}{more}[/]")
    for name, title, heading in PARTS:
        groups = summary.part(name)
        if groups:
            _table(name, title, heading, groups, summary, console)
    for problem in sorted(summary.problems)[:MOST]:
        say(f"[red]not read[/] {escape(problem)}")
    if len(summary.problems) > MOST:
        say(f"and {len(summary.problems) - MOST} more that could not be read")


def _table(
    name: str, title: str, heading: str, groups: list[tuple[str, Group]], all_: Summary, console: Console
) -> None:
    stopped = name in WITH_STOPPED
    table = Table(title=title, title_justify="left", title_style="bold", expand=True, box=None, pad_edge=False)
    table.add_column(heading, ratio=3, overflow="fold")
    table.add_column("runs", justify="right", no_wrap=True)
    if stopped:
        table.add_column("stopped", justify="right", no_wrap=True)
    table.add_column("for example", style="dim", ratio=2, overflow="fold")
    for label, group in groups[:MOST]:
        text = all_.texts.get(label, "") if name == "messages" else ""
        shown = f"{escape(label)}\n[dim]{escape(text)}[/]" if text else escape(label)
        numbers = [f"{group.runs:,}", *([f"{group.stopped:,}"] if stopped else [])]
        table.add_row(shown, *numbers, escape(group.example))
    console.print()
    console.print(table)
    if len(groups) > MOST:
        console.print(f"[dim]and {len(groups) - MOST} more: --html and --json show them[/]")
