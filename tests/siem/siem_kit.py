"""What the tests of records for SIEMs share: events with numbered attributes, and actions that are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from misp_workflow.testing import answer
from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
EVENT = "11111111-2222-4333-8444-555555555555"


def attribute(number: int, kind: str = "domain", value: str = "", **more: Any) -> dict[str, Any]:
    told = {
        "uuid": f"{number:08d}-0000-4000-8000-000000000000",
        "type": kind,
        "to_ids": True,
        "timestamp": "1767312000",
    }
    return {**told, "value": value or f"n{number}.example", "category": "Network activity", **more}


def event(*rows: dict[str, Any], whole: bool = True, **more: Any) -> dict[str, Any]:
    told = {
        "id": "7",
        "uuid": EVENT,
        "info": "bulk",
        "timestamp": "1767312000",
        "published": True,
        "Attribute": [*rows],
    }
    return {"Event": {**told, "Orgc": {"name": "CERT"}, **more, **({"RelatedEvent": []} if whole else {})}}


def ask(action: str, data: dict[str, Any], **params: str) -> dict[str, Any]:
    request = {"module": action, "data": data, "params": {"selected_or_all": "all", **params}}
    return ActionFile.load(ACTIONS / f"{action}.py").module.handler(q=json.dumps(request))


def bulk_answer(*items: dict[str, Any]) -> Any:
    return answer({"errors": True, "items": [{"index": item} for item in items]})
