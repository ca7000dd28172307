"""misp-workflow modules: what the pack has, what misp-modules serves, what MISP has enabled, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import click
from rich.table import Table

from misp_workflow import settings
from misp_workflow.cli.misp_options import misp_options, settings_for
from misp_workflow.cli.overview import told
from misp_workflow.cli.screen import Console, echo_list, note
from misp_workflow.cli.servers import NO_MODULES
from misp_workflow.errors import DeliveryError, InputError
from misp_workflow.installed import own_actions
from misp_workflow.remote.client import Misp
from misp_workflow.runner.modules.moduleapi import HttpServer, NoAnswerError

MARKS = {True: "yes", False: "no", None: "?"}


@dataclass(frozen=True)
class Row:
    """An action module. `served` and `enabled` are None where nobody could be asked; `group` is "" for another's."""

    name: str
    whose: str
    group: str
    description: str
    served: bool | None
    enabled: bool | None
    updates: str
    withdraws: str

    def has(self, word: str) -> bool:
        return word.casefold() in " ".join((self.name, self.whose, self.group, self.description)).casefold()


@click.command()
@click.argument("word", required=False)
@click.option("--server", metavar="URL", help="The misp-modules to ask; else that of the settings.")
@misp_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(
    word: str | None, server: str | None, misp_url: str | None, misp_key: str | None, at: str | None, as_json: bool
) -> None:
    """Show action modules (those that WORD stands in): served by misp-modules? enabled in MISP? updated, withdrawn?

    With [misp] in the settings, or --misp-url, also MISP's own modules. Exit status: 0 shown, 2 unusable input or
    nothing is called so.
    """
    notes: list[str] = []
    served = _served(server, notes)
    enabled = _enabled(misp_url, misp_key, at, notes)
    rows = [one for one in _rows(served, enabled) if word is None or one.has(word)]
    if not rows:
        raise InputError(f"No action module has '{word}' in its name or in what it does.")
    if as_json:
        echo_list(map(dataclasses.asdict, rows))
    else:
        answered = [name for name, answer in (("served", served), ("enabled", enabled)) if answer is not None]
        table = Table("action", "what it does", "whose", *answered, "updates", "withdraws")
        for one in rows:
            marks = (MARKS[getattr(one, name)] for name in answered)
            table.add_row(one.name, one.description, one.whose, *marks, one.updates, one.withdraws)
        Console().print_table(table)
    for remark in notes:
        note(remark)


def _served(url: str | None, notes: list[str]) -> dict[str, str] | None:
    """Return name and description of the action modules that the server lists; None when it does not answer."""
    try:
        server = HttpServer(url or settings.in_force().modules_url)
        listed = server.modules()
        if not listed:
            raise NoAnswerError("down", NO_MODULES.format(server.shown))
    except NoAnswerError as trouble:
        notes.append(f"{trouble} What is served is not known.")
        return None
    actions = [one for one in listed if "action" in (one.get("meta") or {}).get("module-type", ())]
    return {str(one.get("name")): str((one.get("meta") or {}).get("description", "")) for one in actions}


def _enabled(url: str | None, key: str | None, at: str | None, notes: list[str]) -> Mapping[str, bool] | None:
    """Return whether each module of MISP is enabled; None when there is no MISP, or it does not say."""
    place = settings.in_force().misp
    if not (url or at or place.url):
        several = f"say which of {', '.join(place.choices)} with --at NAME"
        how = several if place.choices else "write [misp] into the settings, or give --misp-url"
        notes.append(f"What MISP has enabled is not known: {how}.")
        return None
    try:
        return Misp(settings_for(url, key, at)).modules()
    except DeliveryError as trouble:
        notes.append(f"{trouble} What MISP has enabled is not known.")
        return None


def _rows(served: Mapping[str, str] | None, enabled: Mapping[str, bool] | None) -> list[Row]:
    def state(name: str) -> tuple[bool | None, bool | None]:
        return (None if served is None else name in served, None if enabled is None else enabled.get(name, False))

    ours = told(own_actions())
    rows = [
        Row(one.name, "this pack", one.group, one.description, *state(one.name), one.updates, one.withdraws)
        for one in ours
    ]
    known = {one.name for one in ours}
    theirs = sorted(name for name in served or () if name not in known)
    rows += [Row(name, "misp-modules", "", (served or {})[name], *state(name), "", "") for name in theirs]
    own = sorted(name for name in enabled or () if name not in known and name not in theirs)
    return rows + [Row(name, "MISP", "", "", None, (enabled or {})[name], "", "") for name in own]
