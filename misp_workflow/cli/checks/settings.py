"""The settings file: found, readable, valid; its secrets seen by nobody else."""

from __future__ import annotations

import stat
import sys

from misp_workflow.action.routing import misspelt
from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, warning
from misp_workflow.settings import Settings
from misp_workflow.settings.reader import literal_secrets

SUBJECT = "settings"
MISP_WAITS = 10.0
"""Seconds, MISP's default of Plugin.Action_timeout."""


def check(rules: Settings) -> list[Finding]:
    """Return the findings about the file that is in force."""
    if rules.path is None:
        return [
            skipped(
                SUBJECT,
                "there is no settings file; nodes work from their own parameters, with TLP:AMBER+STRICT as clearance",
                "see docs/settings.md and examples/misp-workflow.toml",
            )
        ]
    if rules.problem:
        return [error(SUBJECT, rules.problem.rstrip("."), "mend the file; it is read again at the next call")]
    places = len(rules.destinations)
    found = [ok(SUBJECT, f"{rules.path} is valid and names {places} destination{'' if places == 1 else 's'}")]
    return found + _slowness(rules) + _words(rules) + _literals(rules) + _readers(rules)


def _slowness(rules: Settings) -> list[Finding]:
    if rules.answer_within < MISP_WAITS:
        return []
    what = f"answer_within is {rules.answer_within:g} s, and by default MISP waits {MISP_WAITS:g} s for an action"
    todo = "a gate that is late lets pass: lower answer_within, or raise Plugin.Action_timeout in MISP above it"
    return [warning(SUBJECT, what, todo)]


def _words(rules: Settings) -> list[Finding]:
    """Find misspelt words in routes, which hold for no event then; the type may be newer than the PyMISP here."""
    found = (f"of the route “{line.name}”, {why}" for line in rules.routes for why in misspelt(line))
    todo = "mend [[routes]] in the settings; until then this line may hold for no event"
    return [warning(SUBJECT, what, todo) for what in dict.fromkeys(found)]


def _literals(rules: Settings) -> list[Finding]:
    names = literal_secrets(rules)
    if not names:
        return []
    return [
        warning(
            SUBJECT,
            f"the file itself holds secrets: {', '.join(names)}",
            "write env:NAME or file:/etc/misp-workflow/NAME there, so that the file may be shared and backed up",
        )
    ]


def _readers(rules: Settings) -> list[Finding]:
    if sys.platform == "win32" or rules.path is None or not literal_secrets(rules):
        return []
    status = rules.path.stat()
    lent = (
        status.st_uid == 0 and status.st_gid != 0
    )  # root's, for the group of misp-modules: as docs/settings.md has it
    if status.st_mode & stat.S_IRGRP and not lent:
        todo = f"make sure that only misp-modules is in that group, or: chmod g-r {rules.path}"
        return [warning(SUBJECT, "the group of the file may read these secrets", todo)]
    return []
