"""misp-workflow check-event: what the rules of a gate say of events, before a gate holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import orjson
from rich.markup import escape
from rich.table import Table

from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.rules import Rule, Subject, Verdict, judge, read_book
from misp_workflow.cli import waiting
from misp_workflow.cli.inputs import FILE, FILE_OR_FOLDER, files_in, read_json
from misp_workflow.cli.screen import Console, echo
from misp_workflow.errors import InputError, WorkflowError
from misp_workflow.event import text
from misp_workflow.settings import Settings
from misp_workflow.words import counted

COLOURS = {"pass": "green", "warn": "yellow", "block": "red"}


@dataclass(frozen=True)
class Judged:
    """One event, and the rules that it does not keep."""

    name: str
    info: str
    verdicts: list[Verdict]

    @property
    def outcome(self) -> Literal["pass", "warn", "block"]:
        """What a gate with these rules does."""
        if any(verdict.rule.blocks for verdict in self.verdicts):
            return "block"
        return "warn" if self.verdicts else "pass"


@click.command(name="check-event")
@click.argument("rules", type=FILE)
@click.argument("events", type=FILE_OR_FOLDER, nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(rules: Path, events: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Judge EVENTS (files as MISP exports them, or folders of such files) by the rule file RULES.

    Exit status: 0 all pass, 1 some would be blocked (with --strict: or warned of), 2 unusable input.
    """
    book = read_book(rules)
    waiting.for_lists_of(book)
    judged, unusable = [], False
    for path in files_in(events):
        try:
            judged += [_judge(name, data, book) for name, data in events_in(path)]
        except WorkflowError as error:
            echo(f"misp-workflow: {error}", err=True)
            unusable = True
    if as_json:
        echo(orjson.dumps([_as_data(one) for one in judged], option=orjson.OPT_INDENT_2))
    else:
        _print(judged, book, Console())
    if unusable or not judged:
        raise SystemExit(2)
    if any(one.outcome == "block" or (strict and one.outcome == "warn") for one in judged):
        raise SystemExit(1)


def events_in(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, data) of every event in a file: one event, what restSearch answers, or a captured request."""
    found = read_json(path)
    if isinstance(found, dict) and "response" in found:
        found = found["response"]
    listed = found if isinstance(found, list) else [found]
    for place, one in enumerate(listed, start=1):
        if isinstance(one, dict) and isinstance(one.get("data"), dict) and "Event" not in one:
            one = one["data"]
        data = {"Event": one} if isinstance(one, dict) and "info" in one and "Event" not in one else one
        if not isinstance(data, dict) or not isinstance(data.get("Event"), dict):
            raise InputError(f"{path} holds no event: {{'Event': …}} was expected.")
        yield (path.name if len(listed) == 1 else f"{path.name} ({place})"), data


def _judge(name: str, data: dict[str, Any], book: tuple[Rule, ...]) -> Judged:
    call = Call(Params(), data, None, Settings(), "")
    return Judged(name, text(call.view.event.get("info")), judge(book, Subject(call.view, call.is_true)))


def _as_data(one: Judged) -> dict[str, Any]:
    broken = [
        {"rule": verdict.rule.name, "severity": verdict.rule.values.severity, "reasons": list(verdict.reasons)}
        for verdict in one.verdicts
    ]
    return {"event": one.name, "info": one.info, "verdict": one.outcome, "broken": broken}


def _print(judged: list[Judged], book: tuple[Rule, ...], console: Console) -> None:
    table = Table("event", "verdict", "why", show_lines=True)
    for one in judged:
        why = "\n".join(escape(reason) for verdict in one.verdicts for reason in verdict.reasons)
        shown = f"[{COLOURS[one.outcome]}]{one.outcome}[/]"
        table.add_row(f"{escape(one.name)}\n[dim]{escape(one.info[:80])}[/]", shown, why)
    counts = Counter(verdict.rule.name for one in judged for verdict in one.verdicts)
    summary = Table("rule", "severity", "broken by", title="Rules")
    for rule in book:
        number = counts[rule.name]
        summary.add_row(escape(rule.name), rule.values.severity, f"{number} of {len(judged)}" if number else "none")
    outcomes: Counter[str] = Counter(one.outcome for one in judged)
    console.print_table(table)
    console.print_table(summary)
    told = ", ".join(f"{outcomes[name]} {name}" for name in COLOURS if outcomes[name])
    console.print(f"{counted(len(judged), 'event')}: {told or 'none'}")
