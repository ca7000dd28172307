"""The programs of [scripts]: are they there, and would they be run."""

from __future__ import annotations

from misp_workflow.cli.checks.finding import Finding, error, ok
from misp_workflow.settings import Settings

SUBJECT = "scripts"
TODO = (
    "nodes that name it wait or block until then: mend it (docs/scripts.md), and ask again as the user of misp-modules"
)


def check(rules: Settings) -> list[Finding]:
    """Return the findings about [scripts]; none where it names no program. No program is run."""
    if not rules.scripts.known:
        return []
    from misp_workflow.delivery.transports import command

    troubles = [why for script in rules.scripts.known.values() if (why := command.obstacle(rules, script))]
    runs = len(rules.scripts.known) - len(troubles)
    good = [ok(SUBJECT, f"{runs} of {len(rules.scripts.known)} can be run")] if runs else []
    return [*good, *(error(SUBJECT, why.rstrip("."), TODO) for why in troubles)]
