"""A run as a tree on the terminal: the path taken, why, what each module was sent and answered, and the end."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from misp_workflow.runner.execution import Exchange
from misp_workflow.runner.graph import Path
from misp_workflow.runner.walk import Run, Step, Walk

MARKS = {
    "ok": "[green]✔[/]",
    "then": "[green]↳ then[/]",
    "else": "[yellow]↳ else[/]",
    "filter": "[cyan]▽ filter[/]",
    "queued": "[cyan]⧖ put aside[/]",
    "error": "[red]✘[/]",
    "disabled": "[red]✘ disabled[/]",
    "unknown": "[red]✘ unknown[/]",
    "skipped": "[dim]– skipped[/]",
}
LONGEST_ANSWER = 400


def print_run(done: Run, console: Console) -> None:
    """Print the whole run."""
    name = done.workflow.name if done.workflow else ""
    root = Tree(f"[bold]{escape(str(name))}[/]  trigger [bold]{escape(str(done.trigger))}[/]{_nature(done)}")
    _grow(root, done)
    for job in done.job_runs:
        branch = root.add(f"[cyan]background job {job.job.number}[/] from node {escape(str(job.job.node_id))}")
        _grow(branch, job)
        branch.add(ending(job))
    console.print(root)
    console.print(ending(done))


def ending(done: Walk) -> str:
    """Return the end of a walk as one line of rich markup: success, or blocked by whom and why."""
    if done.end == "crash":
        return f"[bold red]crash[/] {escape(str(done.crash))}"
    if done.end == "not started":
        return f"[bold red]not started[/] {escape(getattr(done, 'reason', ''))}"
    if done.blocked_by is not None:
        step = done.blocked_by
        why = "; ".join(map(str, step.errors)) or step.why
        word = "blocked" if getattr(done, "blocking", False) else "ended"
        return f"[bold red]{word}[/] by {escape(_called(step))}: {escape(why)}"
    failed = f", though {', '.join(dict.fromkeys(map(str, done.errors)))}" if done.errors else ""
    return f"[bold green]success[/]{escape(failed)}"


def _nature(done: Run) -> str:
    return " (blocking)" if done.blocking else " (cannot block)"


def _grow(root: Tree, walk: Walk) -> None:
    branches: dict[Path, Tree] = {(): root}
    for step in walk.steps:
        path = step.path
        parent = next((branches[path[:cut]] for cut in range(len(path) - 1, -1, -1) if path[:cut] in branches), root)
        branch = parent.add(f"{MARKS[step.outcome]} [bold]{escape(_called(step))}[/]{_reason(step)}")
        branches[path] = branch
        _details(branch, step)


def _called(step: Step) -> str:
    return f"{step.node.module} ({step.node.id})"


def _reason(step: Step) -> str:
    return f"  [dim]{escape(step.why)}[/]" if step.why and not step.errors else ""


def _details(branch: Tree, step: Step) -> None:
    if step.filters:
        branch.add(f"[dim]filters in force: {escape(', '.join(map(str, step.filters)))}[/]")
    for exchange in step.exchanges:
        branch.add(f"asked [bold]{escape(exchange.module)}[/], {_size(exchange)}: {escape(_answer(exchange))}")
    for effect in step.effects:
        branch.add(f"[magenta]would {escape(effect.kind)}[/] {escape(effect.name)}")
    for error in step.errors:
        branch.add(f"[red]{escape(str(error))}[/]")


def _size(exchange: Exchange) -> str:
    return f"{exchange.size / 1000:.1f} kB" if exchange.size else "not sent"


def _answer(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.reading
    text = exchange.answer.body.decode("utf-8", "replace")
    return text if len(text) <= LONGEST_ANSWER else text[:LONGEST_ANSWER] + " …"
