"""The command `misp-workflow`: its subcommands are in `commands`, what they share is here."""

from __future__ import annotations

import errno
import importlib
import io
import logging
import sys

import click

from misp_workflow import __version__
from misp_workflow.cli.screen import QUIET, echo
from misp_workflow.errors import WorkflowError, did_you_mean
from misp_workflow.printable import printable

SECTIONS = {
    "Try a workflow": {
        "run": "Run a workflow on an event, as MISP would.",
        "check": "Find what is wrong with workflows before they run.",
        "faults": "Show what gets through when a Python module fails.",
        "backtest": "Show what a workflow would have done with past events.",
        "debug": "Show MISP's runs live, from what its debug mode posts.",
    },
    "Try a part of one": {
        "module": "Execute one module on an event, without a workflow.",
        "template": "Render a message template on an event, to look at it.",
        "check-event": "Judge events by a rule file of the gates.",
        "route": "Show who would get an event, and why.",
    },
    "Workflows in MISP, and as files": {
        "install": "Put an example workflow into a MISP.",
        "pull": "Write the workflows of a MISP into a folder.",
        "diff": "Show what differs between a pulled folder and its MISP.",
        "push": "Check workflows and write them into a MISP.",
        "undo": "Put back what a push took the place of.",
        "mend": "Give saved nodes the present names of their parameters.",
    },
    "Look after what runs": {
        "doctor": "Examine settings, destinations, outbox, misp-modules and MISP.",
        "outbox": "Look after what waits to be delivered.",
        "sent": "Show where an event went, and what of it is there still.",
        "list": "Look after the lists that devices read.",
        "metrics": "Write what monitoring watches, for Prometheus.",
    },
    "Find an action, or write one": {
        "actions": "Find the action for what is to be done.",
        "modules": "Show what is there, served by misp-modules and enabled in MISP.",
        "new": "Write an action that works, to be changed as you like.",
    },
}
COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}
"""Name (and file, with _ for -) of each subcommand, with the line that the overview shows."""


class _Commands(click.Group):
    """Subcommands by name, so that the overview needs none of them; errors as one sentence and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(
            f"misp_workflow.cli.commands.{cmd_name.replace('-', '_')}"
        ).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and (near := did_you_mean(args[0], COMMANDS)):
            ctx.fail(f"There is no command “{args[0]}”{near}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{widest}}", line) for name, line in commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from misp_workflow.installed import pages

        if folder := pages():
            formatter.write(f"\nPages to read, and examples: {folder}\n")

    def invoke(self, ctx: click.Context) -> object:
        _let_every_letter_through()
        try:
            return super().invoke(ctx)
        except WorkflowError as error:
            problem = str(error)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read what we print has had enough: click knows what to do
                raise
            problem = f"{error.filename} cannot be used: {error.strerror}." if error.filename else f"{error}."
            if isinstance(error, PermissionError):
                problem += " Give this user the right, or run it as one who has it, such as that of misp-modules."
        except click.ClickException as error:  # it may quote what was typed
            wanted = error.param if isinstance(error, click.MissingParameter) else None
            said = error.message or getattr(wanted, "help", None) or ""
            vars(error)["message"] = printable(said)  # which newer versions of click call final
            raise
        echo(f"misp-workflow: {problem}", err=True)
        raise SystemExit(2)


def _let_every_letter_through() -> None:
    """Print "?" for what a terminal that is not UTF-8 does not know, instead of ending there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="misp-workflow")
@click.option("-q", "--quiet", is_flag=True, help="No remarks: results, warnings and errors only.")
@click.option("-v", "--verbose", count=True, help="Show what is logged, too; twice: also how each delivery ended.")
@click.pass_context
def main(context: click.Context, quiet: bool, verbose: int) -> None:
    """Try MISP workflows without a MISP, and look after what the action modules send."""
    context.meta[QUIET] = quiet
    if verbose:
        level = logging.INFO if verbose == 1 else logging.DEBUG
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("misp_workflow").setLevel(level)
