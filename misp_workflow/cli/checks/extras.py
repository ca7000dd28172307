"""The client libraries that the settings' destinations need: without one, nothing goes there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from misp_workflow.cli.checks.destinations import candidates
from misp_workflow.cli.checks.finding import Finding, warning
from misp_workflow.installed import DISTRIBUTION, extras_named, extras_needed, not_installed
from misp_workflow.settings import Settings


def check(rules: Settings, listed: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for each action of a destination whose library is not installed; `listed` are our actions."""
    entries = {str(entry["name"]): entry for entry in listed}
    tables = {name: entry["mispattributes"]["config"]["params"] for name, entry in entries.items()}
    found = []
    for place in rules.destinations.values():
        fitting = candidates(place, tables)
        for name in fitting if place.actions or len(fitting) == 1 else ():
            always = extras_named(entries[name]["meta"].get("requirements") or ())
            for extra in extras_needed(always, tables[name], place.values):
                if lost := not_installed(extra):
                    todo = f"where misp-modules runs: pip install '{DISTRIBUTION}[{extra}]'"
                    what = f"{name} needs {', '.join(lost)}, not installed here: it sends nothing"
                    found.append(warning(f"destination {place.name}", what, todo))
    return found
