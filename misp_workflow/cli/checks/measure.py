"""How large an event this machine's misp-modules gets to a gate in the time that MISP waits."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from misp_workflow.cli.checks import misp
from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, warning
from misp_workflow.errors import WorkflowError
from misp_workflow.remote.files import save
from misp_workflow.runner.modules.moduleapi import HttpServer, NoAnswerError
from misp_workflow.settings import Settings, state

SUBJECT = "large events"
NAME = "measured.json"
"""Where in the state folder the last measure is."""
GATE = "publish_gate"
SMALL, LARGE = 1_000, 6_000
"""Attributes of the events that are asked about."""
ROUNDS = 3
PATIENCE = 60.0
TODO = "keep fail-closed graphs around gates, and raise Plugin.Action_timeout for larger events: docs/big-events.md"


def check(rules: Settings) -> list[Finding]:
    """Return what a gate's answer about events of two sizes says about the largest one that is judged in time."""
    try:
        small, large = (_fastest(rules.modules_url, attributes) for attributes in (SMALL, LARGE))
    except NoAnswerError as trouble:
        return [error(SUBJECT, str(trouble).rstrip("."), "start misp-modules, or set modules_url in the settings")]
    measured = Measured(time.strftime("%Y-%m-%d", time.gmtime()), small, large)
    return [_finding(rules, measured, "", "" if _remember(rules, measured) else "; the state folder cannot keep it")]


def last(rules: Settings) -> list[Finding]:
    """Return what was measured last, held against what MISP waits now."""
    try:
        measured = Measured(**orjson.loads((rules.state_folder / NAME).read_bytes()))
        return [_finding(rules, measured, f"measured on {measured.day}: ", "")]
    except (OSError, TypeError, ValueError):
        todo = "run misp-workflow doctor --measure while misp-modules works as usual"
        return [skipped(SUBJECT, "how large an event a gate hears of in time was not measured here", todo)]


@dataclass(frozen=True)
class Measured:
    """What is remembered: the day, and the seconds that an event of `SMALL` and of `LARGE` attributes took."""

    day: str
    small: float
    large: float


def _finding(rules: Settings, measured: Measured, before: str, after: str) -> Finding:
    small, large = measured.small, measured.large
    waits, whence = misp.action_timeout(rules)
    each = max(large - small, 1e-6) / (LARGE - SMALL)
    most = max(int((waits - small) / each + SMALL) // 1_000 * 1_000, 0)
    what = (
        f"{before}a gate hears of {LARGE:,} attributes and answers in {large:.1f} s; within the {waits:g} s that MISP "
        f"waits ({whence}) that makes about {most:,}{after}"
    )
    return ok(SUBJECT, what) if large < min(rules.answer_within, waits) else warning(SUBJECT, what, TODO)


def _remember(rules: Settings, measured: Measured) -> bool:
    try:
        state.prepare(rules.state_folder)
        save(rules.state_folder / NAME, orjson.dumps(asdict(measured)).decode())
    except (OSError, WorkflowError):
        return False
    return True


def _fastest(address: str, attributes: int) -> float:
    server, body = HttpServer(address), orjson.dumps(_request(attributes))
    took = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        said = orjson.loads(server.query(GATE, body, PATIENCE).body)
        if "error" in said:
            raise NoAnswerError("error", f"The server's {GATE} answers: {said['error']}")
        took.append(time.monotonic() - began)
    return min(took)


def _request(attributes: int) -> dict[str, Any]:
    """Return a question about an event as MISP writes it: the rules are kept, nothing is sent or changed."""
    tag = {"id": "1", "name": "tlp:clear", "colour": "#ffffff", "exportable": True, "local": False, "inherited": True}
    empty = dict.fromkeys(("first_seen", "last_seen", "object_relation"))
    rows = [
        {
            "id": str(number),
            "uuid": f"{number:08x}-0000-4000-8000-000000000000",
            "event_id": "1",
            "object_id": "0",
            "type": "domain",
            "category": "Network activity",
            "value": f"host-{number}.example.org",
            "comment": "measured by the doctor",
            "timestamp": "1700000000",
            "to_ids": False,
            "deleted": False,
            "distribution": "5",
            "sharing_group_id": "0",
            **empty,
            "Galaxy": [],
            "ShadowAttribute": [],
            "_allTags": [tag, tag, tag],
        }
        for number in range(attributes)
    ]
    event = {"info": "measured by the doctor", "RelatedEvent": [], "Attribute": rows, "_AttributeFlattened": rows}
    return {"module": GATE, "data": {"Event": event}, "params": {"minimum_attributes": "1"}}
