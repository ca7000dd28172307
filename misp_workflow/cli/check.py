"""misp-workflow check: what is wrong with workflows, before they run."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.markup import escape

from misp_workflow.cli.inputs import FILE, read_workflow
from misp_workflow.cli.servers import module_server
from misp_workflow.errors import WorkflowError
from misp_workflow.runner.data.world import World
from misp_workflow.runner.modules import catalogue as modules
from misp_workflow.runner.said.check import Finding, check


@click.command()
@click.argument("workflows", type=FILE, nargs=-1, required=True)
@click.option("--server", metavar="URL", help="Take the list of modules from this misp-modules server.")
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(workflows: tuple[Path, ...], server: str | None, strict: bool, as_json: bool) -> None:
    """Check WORKFLOWS for what MISP refuses, what it warns of, and what it never tells.

    Exit status: 0 fine, 1 findings (errors; with --strict warnings, too), 2 unusable input.
    """
    known = modules.load(module_server(server, False, ()), World())
    found: dict[str, list[Finding]] = {}
    unusable = False
    for path in workflows:
        try:
            found[str(path)] = check(read_workflow(path), known)
        except WorkflowError as error:
            click.echo(f"misp-workflow: {error}", err=True)
            unusable = True
    if as_json:
        listed = {name: list(map(_as_data, some)) for name, some in found.items()}
        click.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(found, Console())
    if unusable:
        raise SystemExit(2)
    if any(strict or finding.level == "error" for some in found.values() for finding in some):
        raise SystemExit(1)


def _as_data(finding: Finding) -> dict[str, object]:
    node = {"id": finding.node.id, "module": finding.node.module} if finding.node else None
    return {"level": finding.level, "rule": finding.rule, "node": node, "why": finding.why, "advice": finding.advice}


def _print(found: dict[str, list[Finding]], console: Console) -> None:
    for name, findings in found.items():
        console.print(f"[bold]{escape(name)}[/]: {len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}")
        for one in findings:
            mark = "[red]error[/]  " if one.level == "error" else "[yellow]warning[/]"
            place = f"[bold]{escape(one.node.module)} ({one.node.id})[/] " if one.node else ""
            console.print(f"  {mark} {place}[dim]{one.rule}[/]", highlight=False)
            console.print(f"          {escape(one.why)} {escape(one.advice)}", highlight=False)
