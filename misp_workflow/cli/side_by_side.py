"""Two runs of a workflow side by side, under two versions of MISP: path, outcome, and what modules were sent."""

from __future__ import annotations

from itertools import takewhile, zip_longest

from rich.markup import escape
from rich.table import Table

from misp_workflow.cli.screen import Console
from misp_workflow.effects import mask
from misp_workflow.runner.data.profiles import CHANGES, Change
from misp_workflow.runner.modules.moduleapi import TEMPLATE_MODULE
from misp_workflow.runner.said.report import secrets_of
from misp_workflow.runner.walk.walk import Run, Step


def print_comparison(old: Run, new: Run, console: Console) -> bool:
    """Print where the runs differ; returns whether they do."""
    secrets = secrets_of(old)
    versions = [one.around.world.misp for one in (old, new) if one.around]
    table = Table(title=escape(old.workflow.name if old.workflow else ""))
    table.add_column("")
    for version in versions:
        table.add_column(f"MISP {version.version}")
    rows = [*_rows(old, new), ("end", _end(old), _end(new))]
    for name, left, right in rows:
        style = "" if left == right else "[bold yellow]"
        close = "[/]" if style else ""
        table.add_row(
            escape(name + " ≠" * bool(style)),
            *(f"{style}{escape(mask(text, secrets))}{close}" for text in (left, right)),
        )
    console.print(table)
    for note in dict.fromkeys((*old.notes, *new.notes)):
        console.print(f"[yellow]Note:[/] {escape(mask(note, secrets))}")
    differs = any(left != right for _, left, right in rows)
    if not differs:
        console.print("[bold green]No difference[/]: same path, same outcome, same requests.")
        return False
    console.print("Of what changed between the two, this may be why:")
    used = {step.node.module for one in (old, new) for step in one.steps[: _first(rows)]}
    for change in CHANGES:
        told = change.shows and change.concerns(used)
        if told and len(versions) == 2 and (change in versions[0]) != (change in versions[1]):
            console.print_hanging(escape(_told(change)), 2)
    return True


def _first(rows: list[tuple[str, str, str]]) -> int:
    """Return how many steps there are up to the first that differs: what comes after it follows from it."""
    alike = takewhile(lambda row: row[1] == row[2], rows)
    return sum(bool(name) for name, _, _ in alike) + 1


def _rows(old: Run, new: Run) -> list[tuple[str, str, str]]:
    rows = []
    for place, (left, right) in enumerate(zip_longest(old.steps, new.steps), 1):
        rows.append((f"{place}.", _step(left), _step(right)))
        if left and right and left.node.key == right.node.key and (found := _requests(left, right)):
            rows.append(("", "", found))
    return rows


def _step(step: Step | None) -> str:
    if step is None:
        return "–"
    said = "; ".join(map(str, step.errors)) or (step.why if step.outcome == "error" else "")
    errors = f": {said}" if said else ""
    return f"{step.node.module} ({step.node.id}) {step.outcome}{errors}{' (not established)' if step.doubt else ''}"


def _requests(left: Step, right: Step) -> str:
    """What differs in what the node's module was sent; "" when nothing does."""
    sent = [
        [exchange.fields for exchange in step.exchanges if exchange.module != TEMPLATE_MODULE] for step in (left, right)
    ]
    if len(sent[0]) != len(sent[1]):
        return f"it was asked {len(sent[1])} times, not {len(sent[0])}"
    names = sorted(
        {
            name
            for before, after in zip(*sent, strict=True)
            for name in {*before, *after}
            if name != "timeout" and before.get(name) != after.get(name)
        }
    )
    return f"the request differs in {', '.join(names)}" if names else ""


def _end(done: Run) -> str:
    if done.crash is not None:
        return f"crash: {done.crash.kind}"
    return done.end + (f": {done.reason}" if done.reason else "")


def _told(change: Change) -> str:
    return f"{change.since} ({change.known}): {change.what}: {change.after}; before: {change.before}."
