"""misp-workflow check: what is wrong with workflows, before they run."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from misp_workflow import settings
from misp_workflow.cli.checks.finding import some
from misp_workflow.cli.house_rules import HOUSE_RULES
from misp_workflow.cli.inputs import (
    FILE,
    FILE_OR_FOLDER,
    files_in,
    is_blueprint,
    is_workflow,
    read_blueprint,
    read_json,
    read_workflow,
)
from misp_workflow.cli.screen import Console, echo, note
from misp_workflow.cli.servers import actions_option, known_modules
from misp_workflow.cli.version import chosen, misp_option
from misp_workflow.errors import InputError, WorkflowError
from misp_workflow.installed import own_actions
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import catalogue as modules
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.said.check import UPGRADE, Finding, check, tags_with_holes


@click.command()
@click.argument("workflows", type=FILE_OR_FOLDER, nargs=-1)
@click.option("--blueprint", "blueprints", type=FILE, multiple=True, help="A MISP blueprint; several may be given.")
@click.option("--trigger", help="The trigger before blueprints; by default the one that they name, or event-publish.")
@click.option("--server", metavar="URL", help="Take the list of modules from this misp-modules server.")
@actions_option
@misp_option
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    workflows: tuple[Path, ...],
    blueprints: tuple[Path, ...],
    trigger: str | None,
    server: str | None,
    misp: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Check WORKFLOWS for what MISP refuses, what it warns of, and what it never tells.

    WORKFLOWS are files, blueprints among them, or folders; in a folder, JSON that is no workflow is passed over with a
    note. With --misp, what that version breaks is said, too. Destinations are those of the settings at hand, if there
    are any.

    Exit status: 0 fine, 1 findings (errors; with --strict warnings, too), 2 unusable input.
    """
    if not workflows and not blueprints:
        raise click.UsageError("Give files or folders of workflows, or --blueprint.")
    world = World(misp=chosen(misp))
    known = modules.load(Scripted(known_modules(server)), world)
    if problem := settings.current().problem:
        note(f"Note: {problem}")
    more = [*HOUSE_RULES, *((*UPGRADE, tags_with_holes({file.stem for file in own_actions()})) if misp else ())]
    found: dict[str, list[Finding]] = {}
    passed: list[str] = []
    unusable = False
    given = {*workflows, *blueprints}
    for path in dict.fromkeys([*files_in(workflows), *blueprints]):
        try:
            workflow = _workflow(path, path in given, trigger)
            if workflow is None:
                passed.append(str(path))
            else:
                found[str(path)] = check(workflow, known, world, more=more)
        except WorkflowError as error:
            echo(f"misp-workflow: {error}", err=True)
            unusable = True
    if passed:
        note(f"Note: {some(passed, 3)} {'is' if len(passed) == 1 else 'are'} no workflow and passed over.")
    _show(found, as_json)
    if not (found or unusable):
        raise InputError("None of these files is a workflow, so nothing was checked.")
    if unusable:
        raise SystemExit(2)
    if any(strict or finding.level == "error" for findings in found.values() for finding in findings):
        raise SystemExit(1)


def _workflow(path: Path, named: bool, trigger: str | None) -> Workflow | None:
    """Return the workflow in a file; None for what a folder holds besides workflows."""
    document = read_json(path)
    if is_blueprint(document):
        return read_blueprint(path, trigger)
    if not named and not is_workflow(document):
        return None
    return read_workflow(path)


def _as_data(finding: Finding) -> dict[str, object]:
    node = {"id": finding.node.id, "module": finding.node.module} if finding.node else None
    return {"level": finding.level, "rule": finding.rule, "node": node, "why": finding.why, "advice": finding.advice}


def _show(found: dict[str, list[Finding]], as_json: bool) -> None:
    if as_json:
        told = {name: list(map(_as_data, findings)) for name, findings in found.items()}
        echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    console = Console()
    for name, findings in found.items():
        plural = "" if len(findings) == 1 else "s"
        console.print(f"[bold]{escape(name)}[/]: {len(findings) or 'no'} finding{plural}", soft_wrap=True)
        for one in findings:
            mark = "[red]error[/]  " if one.level == "error" else "[yellow]warning[/]"
            place = f"[bold]{escape(one.node.module)} ({one.node.id})[/] " if one.node else ""
            console.print(f"  {mark} {place}[dim]{one.rule}[/]", highlight=False)
            said = Text(f"{one.why} {one.advice}")
            console.print(Padding(said, (0, 0, 0, 10), expand=False), highlight=False)
