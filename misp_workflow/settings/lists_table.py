"""From the tables [lists] and [destinations.NAME.list] to `Lists` and `ListRules`."""

from __future__ import annotations

import re
from pathlib import Path

from misp_workflow.settings.lists import HOLDS, ListRules, Lists
from misp_workflow.settings.table import Table, is_network

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NAME = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?")
_ZONE = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


def read_lists(table: Table) -> Lists:
    """Return what the table [lists] says; SettingsError names the line."""
    folder = table.text("folder")
    if folder and not Path(folder).is_absolute():
        raise table.error("folder", "must be an absolute path")
    lists = Lists(
        folder=Path(folder) if folder else None,
        own_networks=table.checked("own_networks", is_network, "is no network, such as 198.51.100.0/24"),
        own_domains=table.checked("own_domains", _is_name, "is no domain, such as example.org"),
        token_reference=table.text("token"),
    )
    table.done()
    return lists


def read_list(table: Table, name: str) -> ListRules | None:
    """Return what a destination's table `list` says; None when there is none. SettingsError names the line."""
    if not table.names():
        return None
    chosen = table.choice("format", HOLDS, "")
    if not chosen:
        raise table.error("format", f"must be one of {', '.join(HOLDS)}")
    kinds = HOLDS[chosen]
    holds = table.choice("holds", kinds, kinds[0] if len(kinds) == 1 else "") if kinds else ""
    if not kinds and "holds" in table.names():
        raise table.error(
            "holds", f"says nothing for {chosen}, which takes several kinds at once; narrow it by 'types'"
        )
    if kinds and not holds:
        raise table.error("holds", f"must say what a list for {chosen} holds: {', '.join(kinds)}")
    keep, most = table.seconds("keep"), table.number("most", 1, 5_000_000)
    rules = ListRules(
        format=chosen,
        holds=holds,
        types=table.strings("types"),
        keep=keep or 0.0,
        allow=table.checked("allow", lambda it: _is_name(it) or is_network(it), "is neither a domain nor a network"),
        most=ListRules.most if most is None else int(most),
        when_full=table.choice("when_full", ("refuse", "oldest"), ListRules.when_full),
        file=_file_name(table, name),
        zone=table.text("zone", ListRules.zone).rstrip("."),
        warninglists=table.strings("warninglists", ListRules.warninglists),
        reserved=table.flag("reserved", ListRules.reserved),
    )
    if not _ZONE.fullmatch(rules.zone) or len(rules.zone) > 100:
        raise table.error("zone", "must be the name of a zone, such as rpz.misp")
    table.done()
    return rules


def _file_name(table: Table, name: str) -> str:
    given = table.text("file")
    if given and not _FILE.fullmatch(given):
        raise table.error("file", "must be a file's name, of letters, digits, dots, dashes and underscores")
    if not _FILE.fullmatch(name):
        raise table.error("", "is a list, so its name may have letters, digits, dots, dashes and underscores only")
    return given


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and not is_network(text)
