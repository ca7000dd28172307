"""Several MISPs on one misp-modules: the table [misp], those of [misp.NAME], and which of them is meant.

The only place that knows there may be several: everybody else asks `Settings.misp`, once it is the right one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from misp_workflow.errors import SettingsError, did_you_mean
from misp_workflow.event import text
from misp_workflow.settings.model import Misp, Settings
from misp_workflow.settings.network_table import read_proxy
from misp_workflow.settings.table import Table

PLAIN = "misp"
"""What the MISP of [misp] is called beside others."""


def read_misps(table: Table) -> Mapping[str, Misp]:
    """Return every MISP that the table and those below it describe, by name: [misp] itself, and all [misp.NAME]."""
    plain = _misp(table, "")
    named = {name: _misp(table.table(name), name) for name in table.names_of_tables()}
    for name in named:
        if name == PLAIN or not re.fullmatch(r"[^\W_][\w.-]*", name):
            raise table.error(name, "is no name for a MISP: letters, digits, '.', '-' and '_', and not “misp”")
    table.done("a MISP of another name stands in [misp.NAME]")
    if named and not plain.url and plain != Misp():
        raise table.error("url", "must be there, or [misp] be left out: nothing in it is taken for the others")
    return MappingProxyType(named if named and not plain.url else {PLAIN: plain, **named})


def in_force(misps: Mapping[str, Misp]) -> Misp:
    """Return the MISP that is meant where nobody says which: the only one."""
    return next(iter(misps.values())) if len(misps) == 1 else Misp(choices=tuple(misps))


def named(rules: Settings, name: str, event: tuple[str, str] = ("", "")) -> Settings:
    """Return the settings with the MISP of this name in force; "" is [misp], or the only one there is.

    `event` is the uuid and the number of one that it has. SettingsError when there is no such MISP.
    """
    known = rules.misps or {PLAIN: rules.misp}
    place = known.get(name or PLAIN)
    if place is None and not name and len(known) == 1:
        place = in_force(known)
    if place is None:
        raise SettingsError(
            f"No MISP is called “{name or PLAIN}” in {rules.path or 'the settings'}{did_you_mean(name, known)}; "
            f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}."
        )
    several = len(known) > 1 and all(event)
    return dataclasses.replace(rules, misp=dataclasses.replace(place, event=event) if several else place)


def asking(rules: Settings, name: str, data: Any) -> Settings:
    """Return the settings with the MISP in force that asks: as the node says, else as the data tells; else as they are.

    The data tells it by the address that newer MISPs send along, or by the organisation that owns or made the event.
    That is a guess, so only what can be proved counts: an event that has a number.
    """
    if name:
        return named(rules, name, _event(data))
    if len(rules.misps) < 2:
        return rules
    found = [key for key, one in rules.misps.items() if _sends(one, data)] or _of_organisation(rules.misps, data)
    return named(rules, found[0], _event(data)) if len(found) == 1 else rules


def _misp(table: Table, name: str) -> Misp:
    version = table.text("version")
    if version and not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII):
        raise table.error("version", "is no version of MISP, such as 2.5.50")
    misp = Misp(
        name=name,
        organisations=table.strings("organisations"),
        url=table.web_address("url").rstrip("/"),
        key_reference=table.text("key"),
        verify_tls=table.flag("verify_tls", Misp.verify_tls),
        ca_file=table.text("ca_file"),
        version=version,
        proxy=read_proxy(table, Misp.proxy),
    )
    if name:
        table.must("url", misp.url)
        table.done()
    return misp


def _sends(misp: Misp, data: Any) -> bool:
    """Whether the data names this MISP's address as that of who sends it."""
    said = data.get("_env") if isinstance(data, dict) else None
    address = text(said.get("baseurl")).rstrip("/") if isinstance(said, dict) else ""
    return bool(address) and address.casefold() == misp.url.casefold()


def _of_organisation(misps: Mapping[str, Misp], data: Any) -> list[str]:
    """Return the MISPs of the organisation that owns the event where it is, or else of the one that made it."""
    event = data.get("Event") if isinstance(data, dict) else None
    if not all(_event(data)) or not isinstance(event, dict):
        return []
    for member in ("Org", "Orgc"):
        row = event.get(member)
        said = {text(row.get(key)).casefold() for key in ("uuid", "name")} - {""} if isinstance(row, dict) else set()
        found = [key for key, one in misps.items() if said & {name.casefold() for name in one.organisations}]
        if found:
            return found
    return []


def _event(data: Any) -> tuple[str, str]:
    event = data.get("Event") if isinstance(data, dict) else None
    return (text(event.get("uuid")).lower(), text(event.get("id"))) if isinstance(event, dict) else ("", "")
