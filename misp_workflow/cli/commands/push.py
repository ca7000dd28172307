"""misp-workflow push: workflows from files into a MISP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from misp_workflow.cli.commands.diff import bullet, heading
from misp_workflow.cli.examine import findings, open_cells
from misp_workflow.cli.inputs import FILE
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.screen import Console
from misp_workflow.errors import WorkflowError
from misp_workflow.remote import document, folder
from misp_workflow.remote.client import Misp
from misp_workflow.remote.document import Content
from misp_workflow.remote.push import Outcome, Plan, State, perform, plan
from misp_workflow.remote.undo import Store
from misp_workflow.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """One workflow to push: from which file, and with what this has beside it."""

    name: str
    content: Content
    path: Path | None = None
    checks: Any = None


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@misp_options
@click.option("--enable", is_flag=True, help="Enable the trigger, and the modules that the workflow needs.")
@click.option("--dry-run", is_flag=True, help="Check, show what would be done, and do nothing.")
@click.option("--replace", is_flag=True, help="Take the place of whatever MISP has for the trigger.")
def command(
    files: tuple[Path, ...],
    misp_url: str | None,
    misp_key: str | None,
    at: str | None,
    enable: bool,
    dry_run: bool,
    replace: bool,
) -> None:
    """Check the workflows in FILES, show what changes, write them into MISP, and look whether MISP has them.

    What was there is kept: 'misp-workflow undo' puts it back. Exit status: 0 done, 1 refused or not as it should be,
    2 unusable input or no answer.
    """
    rules = settings_for(misp_url, misp_key, at)
    wanted = []
    for path in files:
        content, beside = document.read(path)
        wanted.append(Wanted(str(path), content, path, beside.get("checks")))
    raise SystemExit(push(rules, wanted, enable=enable, dry_run=dry_run, replace=replace))


def push(rules: Settings, wanted: Sequence[Wanted], *, enable: bool, dry_run: bool, replace: bool) -> int:
    """Push these, all or, when one of them is refused, none; the exit status."""
    console, misp = Console(), Misp(rules)
    state = State.of(misp)
    plans: list[tuple[Wanted, Plan]] = []
    triggers = [one.content.trigger for one in wanted]
    for one in wanted:
        made = plan(state, one.content, base=_base(one, misp.url), replace=replace, enable=enable)
        heading(console, one.name, f"{one.content.trigger}, “{one.content.name}”")
        made.refusals.extend(_examined(one, state, console))
        if triggers.count(one.content.trigger) > 1:
            made.refusals.append(f"Another of these files is for {one.content.trigger} as well; MISP has one place.")
        plans.append((one, made))
        _show(made, console)
    if any(made.refusals for _, made in plans):
        console.print("[bold red]Nothing was written.[/]")
        return 1
    if dry_run:
        console.print("A dry run: nothing was written.")
        return 0
    store = Store(rules.state_folder)
    for place, (one, made) in enumerate(plans):
        outcome = perform(misp, made, store)
        _tell(one, made, outcome, console)
        if not outcome.success:
            left = ", ".join(later.name for later, _ in plans[place + 1 :])
            if left:
                console.print(f"Not tried any more: {escape(left)}.", highlight=False, soft_wrap=True)
            return 1
        _note(one, misp.url)
    return 0


def _base(one: Wanted, url: str) -> str:
    """Return the fingerprint of what the file was pulled from, "" when that was not this MISP."""
    if one.path is None:
        return ""
    manifest, top = folder.manifest_of(one.path)
    return manifest.fingerprints.get(_within(one.path, top), "") if manifest.url == url else ""


def _within(path: Path, top: Path) -> str:
    return path.resolve().relative_to(top).as_posix()


def _examined(one: Wanted, state: State, console: Console) -> list[str]:
    """Return why the workflow must not go there, and print what is only worth knowing."""
    workflow = one.content.workflow()
    errors, worth_knowing = findings(workflow, state.modules, state.version)
    # Of modules that MISP does not know the plan knows more.
    refused = [f"check: {finding}" for finding in errors if finding.rule != "unknown-module"]
    for finding in worth_knowing:
        console.print(f"  [yellow]warning:[/] {escape(str(finding))}", highlight=False, soft_wrap=True)
    try:
        cells = open_cells(one.path or Path(), workflow, one.checks)
    except WorkflowError as error:
        return [*refused, str(error)]
    return refused + [
        f"faults: {cell.node.module} ({cell.node.id}) lets pass, failing with {cell.kind}" for cell in cells
    ]


def _show(made: Plan, console: Console) -> None:
    if made.is_there:
        bullet(console, "MISP has exactly this already")
    elif made.current is None:
        bullet(console, f"new: MISP has no workflow for {made.content.trigger}")
    for change in made.changes:
        if made.current is not None:
            bullet(console, change)
    if made.disabled:
        names = ", ".join(made.disabled)
        bullet(console, f"{'enables' if made.enable else 'not enabled, so not executed (--enable does it)'}: {names}")
    for refusal in made.refusals:
        console.print(f"  [red]refused:[/] {escape(refusal)}", highlight=False, soft_wrap=True)


def _tell(one: Wanted, made: Plan, outcome: Outcome, console: Console) -> None:
    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    if outcome.problem:
        line(f"[bold red]{escape(one.name)}[/]: {escape(outcome.problem)}")
        line(f"  {escape(outcome.standing)}")
    else:
        steps = f" ({escape(', '.join(outcome.done))})" if outcome.done else ""
        line(f"[bold green]{escape(one.name)}[/]: {escape(outcome.standing)}{steps}")
    if outcome.kept_as:
        named = click.get_current_context().params
        there = "".join(f" --{name} {named[of]}" for name, of in (("misp-url", "misp_url"), ("at", "at")) if named[of])
        line(f"  What was there is kept; put it back with: misp-workflow undo {escape(outcome.kept_as + there)}")
    if made.disabled and not made.enable:
        line(f"  Not enabled: {escape(', '.join(made.disabled))}.")


def _note(one: Wanted, url: str) -> None:
    """Note in misp.json that MISP has what the file says, so that the next push finds it so."""
    if one.path is None:
        return
    manifest, top = folder.manifest_of(one.path)
    if manifest.url == url:
        manifest.fingerprints[_within(one.path, top)] = one.content.fingerprint
        manifest.write(top)
