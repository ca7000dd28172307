"""misp-workflow doctor: is everything in place, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import orjson
from rich.markup import escape
from rich.table import Table

from misp_workflow import settings
from misp_workflow.cli.checks import destinations, extras, mail, misp, modules, network, outbox, scripts, sending
from misp_workflow.cli.checks import measure as measuring
from misp_workflow.cli.checks import settings as settings_check
from misp_workflow.cli.checks.finding import Finding, skipped
from misp_workflow.cli.screen import Console, echo
from misp_workflow.installed import own_actions, pages
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.settings import Settings

UNKNOWN_WITHOUT = ("destinations", outbox.SUBJECT, modules.SUBJECT, misp.SUBJECT, measuring.SUBJECT)
"""What only the settings name."""
MARKS = {"ok": "[green]✔[/]", "warning": "[yellow]![/]", "error": "[red]✘[/]", "skipped": "[dim]–[/]"}


@click.command()
@click.option("--send", "send_to", metavar="DESTINATION", help="Only send a harmless test message there.")
@click.option("--action", default="", metavar="NAME", help="With --send: the action that shall send it.")
@click.option("--measure", is_flag=True, help="Only measure how large an event a gate hears of in time.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(send_to: str | None, action: str, measure: bool, as_json: bool) -> None:
    """Look at the settings, each destination, the outbox, misp-modules and MISP.

    Exit status: 0 nothing is wrong, 1 something is, 2 unusable input or settings: then nothing that they name is
    looked at, for it would be something else.
    """
    rules = settings.current()
    ours = LocalServer(own_actions())
    tables = {str(entry["name"]): entry["mispattributes"]["config"]["params"] for entry in ours.modules()}
    if not rules.usable:
        findings = [*settings_check.check(rules), *map(_unknown, UNKNOWN_WITHOUT)]
    elif send_to is not None:
        findings = sending.send(rules, send_to, action, ours, tables)
    elif measure:
        findings = measuring.check(rules)
    else:
        findings = list(_findings(rules, ours, tables))
    wrong = any(finding.state == "error" for finding in findings)
    if as_json:
        rows = [{"subject": f.subject, "state": f.state, "what": f.what, "todo": f.todo} for f in findings]
        echo(orjson.dumps({"ok": not wrong, "findings": rows}, option=orjson.OPT_INDENT_2))
    else:
        _print(findings, Console())
    if wrong:
        raise SystemExit(1 if rules.usable else 2)


def _unknown(subject: str) -> Finding:
    return skipped(subject, "not looked at: the settings say where, and they cannot be used")


def _findings(rules: Settings, ours: LocalServer, tables: dict[str, destinations.Params]) -> Iterator[Finding]:
    checks: tuple[Callable[[], list[Finding]], ...] = (
        lambda: settings_check.check(rules),
        lambda: network.check(rules),
        lambda: mail.check(rules),
        lambda: destinations.check(rules, tables),
        lambda: scripts.check(rules),
        lambda: extras.check(rules, ours.modules()),
        lambda: outbox.check(rules),
        lambda: modules.check(rules, ours),
        lambda: misp.check(rules, ours.modules()),
        lambda: measuring.last(rules),
    )
    for check in checks:
        yield from check()


def _print(findings: list[Finding], console: Console) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    subject = ""
    for finding in findings:
        todo = f"\n[dim]→ {escape(finding.todo)}[/]" if finding.todo else ""
        name = "" if finding.subject == subject else escape(finding.subject)
        table.add_row(MARKS[finding.state], name, f"{escape(finding.what)}{todo}")
        subject = finding.subject
    console.print(table)
    if any("docs/" in finding.todo or "examples/" in finding.todo for finding in findings) and (folder := pages()):
        echo(f"docs and examples are in {folder}")
