"""The tables [[routes]] of the settings file: who gets what, by what an event says."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import time, tzinfo

from misp_workflow import local_time
from misp_workflow.event import is_expression
from misp_workflow.markings import TLP_LEVELS
from misp_workflow.settings.table import EXPRESSION, Table, is_network

THREAT_LEVELS = ("high", "medium", "low", "undefined")
ROUTE = "route:"
"""What a node's `destination` begins with when a route chooses."""

_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One line of a route: all that is said must hold, of each list any one; what is left out holds always.

    `to` are destinations. `tlp` are the levels that an event may have ("unmarked" too), `tags` patterns of which one
    must stand on it or on an attribute, `organisations` patterns of its creator's name or uuid, `sharing_groups` uuids
    or numbers, `types` patterns of MISP attribute types, `networks` and `domains` a watch list, `threat_levels` words.
    `hours` and `days` are local in `timezone`; hours that end before they begin go on over midnight. `stop` ends the
    search.
    """

    name: str
    to: tuple[str, ...]
    tlp: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    sharing_groups: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    threat_levels: tuple[str, ...] = ()
    hours: tuple[time, time] | None = None
    days: frozenset[int] = frozenset()
    timezone: tzinfo | None = None
    stop: bool = False


def read_route(table: Table, destinations: Collection[str]) -> Route:
    """Return one of the tables; SettingsError names the line."""
    route = Route(
        name=table.text("name").strip(),
        to=table.checked("to", lambda it: it in destinations, "is no destination of this file"),
        tlp=table.checked("tlp", lambda it: it in (*TLP_LEVELS, "white", "unmarked"), "is no level of TLP"),
        tags=table.checked("tags", lambda it: not is_expression(it), EXPRESSION),
        organisations=table.strings("organisations"),
        sharing_groups=table.strings("sharing_groups"),
        types=table.checked("types", lambda it: not is_expression(it), EXPRESSION),
        networks=table.checked("networks", is_network, "is no network, such as 198.51.100.0/24"),
        domains=table.checked("domains", _NAME.fullmatch, "is no domain, such as example.org"),
        threat_levels=table.checked(
            "threat_levels", THREAT_LEVELS.__contains__, f"is none of {', '.join(THREAT_LEVELS)}"
        ),
        hours=_hours(table),
        days=_days(table),
        timezone=_timezone(table),
        stop=table.flag("stop", False),
    )
    table.must("name", route.name)
    table.must("to", route.to)
    table.done()
    return route


def _hours(table: Table) -> tuple[time, time] | None:
    written = table.text("hours")
    if not written:
        return None
    found = _HOURS.fullmatch(written.strip())
    if not found:
        raise table.error("hours", 'must be hours of a day, such as "08:00-18:00"')
    begin_hour, begin_minute, end_hour, end_minute = map(int, found.groups())
    return time(begin_hour % 24, begin_minute), time(end_hour % 24, end_minute)


def _days(table: Table) -> frozenset[int]:
    days: set[int] = set()
    for one in table.strings("days"):
        try:
            days |= local_time.weekdays(one)
        except ValueError:
            sentence = f'has “{one[:40]}”, which is no day or range, such as "Mon" or "Mon-Fri"'
            raise table.error("days", sentence) from None
    return frozenset(days)


def _timezone(table: Table) -> tzinfo | None:
    name = table.text("timezone")
    try:
        return local_time.zone(name) if name else None
    except ValueError:
        raise table.error("timezone", f"is no time zone that this machine knows: {name[:60]}") from None
