"""A run as a tree on the terminal: the path taken, why, what each module was sent and answered, and the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich.markup import escape
from rich.tree import Tree

from misp_workflow.cli.screen import Console
from misp_workflow.effects import mask
from misp_workflow.runner.graph.graph import START, Path
from misp_workflow.runner.modules.execution import Exchange
from misp_workflow.runner.said.faults import ALLOWED
from misp_workflow.runner.said.report import remarks, secrets_of
from misp_workflow.runner.walk.walk import Run, Step, Walk

MARKS = {
    "ok": "[green]✔[/]",
    "then": "[green]↳ then[/]",
    "else": "[yellow]↳ else[/]",
    "filter": "[cyan]▽ filter[/]",
    "queued": "[cyan]⧖ put aside[/]",
    "error": "[red]✘[/]",
    "crash": "[bold red]✘ crash[/]",
    "disabled": "[red]✘ disabled[/]",
    "unknown": "[red]✘ unknown[/]",
    "skipped": "[dim]– skipped[/]",
}
LONGEST_ANSWER = 400


Shown = Callable[[object], str]
"""Makes a text of anything that is no markup, without the secrets that stand in the workflow's nodes."""


def print_run(done: Run, console: Console) -> None:
    """Print the whole run."""
    secrets = secrets_of(done)

    def shown(value: object) -> str:
        return escape(mask(str(value), secrets))

    name = done.workflow.name if done.workflow else ""
    root = Tree(f"[bold]{shown(name)}[/]  trigger [bold]{shown(done.trigger)}[/]{_nature(done)}")
    _grow(root, done, shown)
    for job in done.job_runs:
        branch = root.add(f"[cyan]background job {job.job.number}[/] from node {shown(job.job.node_id)}")
        _grow(branch, job, shown)
        branch.add(ending(job, shown))
    console.print(root)
    console.print(ending(done, shown))
    for note in remarks(done):
        console.print(f"[yellow]Note:[/] {shown(note)}")


def ending(done: Walk, shown: Shown) -> str:
    """Return the end of a walk as one line of rich markup: success, or blocked by whom and why."""
    if done.end == "crash":
        return f"[bold red]crash[/] {shown(done.crash)}"
    if done.end == "not established":
        return f"[bold yellow]not established[/] {shown(getattr(done, 'reason', ''))}"
    if done.end == "not started":
        return f"[bold red]not started[/] {shown(getattr(done, 'reason', ''))}"
    if done.blocked_by is not None:
        step = done.blocked_by
        why = "; ".join(map(str, step.errors)) or step.why
        word = "blocked" if getattr(done, "blocking", False) else "ended"
        return f"[bold red]{word}[/] by {shown(_called(step))}: {shown(why)}"
    walks = [done, *getattr(done, "job_runs", ())]
    wrong = dict.fromkeys(
        _called(step) for walk in walks for step in walk.steps if step.errors or step.outcome == "crash"
    )
    failed = f", though {', '.join(wrong)} failed" if wrong else ""
    goes_on = ALLOWED.get(str(getattr(done, "trigger", "")), "")
    return f"[bold green]success[/]{shown(f': {goes_on}' if goes_on else '')}{shown(failed)}"


def _nature(done: Run) -> str:
    return " (blocking)" if done.blocking else " (cannot block)"


def _grow(root: Tree, walk: Walk, shown: Shown) -> None:
    """Hang each step below the one before, or beside it where the way does not fork: a long way stays readable."""
    visited = {step.path for step in walk.steps}
    before = {path: _before(path, visited) for path in visited}
    following = Counter(before.values())
    branches: dict[Path, Tree] = {START: root}
    beside: dict[Path, Tree] = {START: root}
    for step in walk.steps:
        path, parent = step.path, before[step.path]
        forks = following[parent] > 1
        place = branches[parent] if forks else beside[parent]
        branch = place.add(f"{MARKS[step.outcome]} [bold]{shown(_called(step))}[/]{_reason(step, shown)}")
        branches.setdefault(path, branch)
        beside.setdefault(path, branch if forks else place)
        _details(branch, step, shown)


def _before(path: Path, visited: set[Path]) -> Path:
    """Return the longest way that led to a step on this one's."""
    found = path.before or START
    while found.before is not None and found not in visited:
        found = found.before
    return found


def _called(step: Step) -> str:
    return f"{step.node.module} ({step.node.id})"


def _reason(step: Step, shown: Shown) -> str:
    told = step.why and (not step.errors or step.outcome == "unknown")
    why = f"  [dim]{shown(step.why)}[/]" if told else ""
    return why + (f"  [yellow]not established:[/] {shown(step.doubt)}" if step.doubt else "")


def _details(branch: Tree, step: Step, shown: Shown) -> None:
    if step.filters:
        branch.add(f"[dim]filters in force: {shown(', '.join(map(str, step.filters)))}[/]")
    for exchange in step.exchanges:
        branch.add(f"{asked(exchange, shown)}{answered(exchange, step.errors, shown)}")
    for effect in step.effects:
        branch.add(f"[magenta]MISP would[/] {shown(effect.deed)}")
    for error in step.errors:
        branch.add(f"[red]{shown(error)}[/]")


def asked(exchange: Exchange, shown: Shown) -> str:
    """Return who was asked, or, when nobody was, whose answer stands in a script."""
    if exchange.answer is not None and exchange.answer.scripted:
        return f"[cyan]scripted[/] answer of [bold]{shown(exchange.module)}[/], not asked"
    return f"asked [bold]{shown(exchange.module)}[/], {_size(exchange)}"


def answered(exchange: Exchange, errors: Sequence[object], shown: Shown) -> str:
    """Return what the module answered, "" where that is an error which is told beside it."""
    heard = exchange.result.get("error") if isinstance(exchange.result, dict) else None
    return "" if heard and heard in errors else f": {_short(shown(_answer(exchange)))}"


def _size(exchange: Exchange) -> str:
    return f"{exchange.size / 1000:.1f} kB" if exchange.size else "not sent"


def _answer(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.reading
    return exchange.answer.body.decode("utf-8", "replace")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ANSWER else text[:LONGEST_ANSWER] + " …"
