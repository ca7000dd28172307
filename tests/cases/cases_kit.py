"""An event's life, as MISP tells it to an action, and what a case's history must be like after it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
EVENT = "2f0ac10d-0000-4000-8000-000000000001"


def attribute(number: int, value: str = "", kind: str = "domain", **more: Any) -> dict[str, Any]:
    told = {"uuid": f"{number:08d}-0000-4000-8000-000000000000", "type": kind, "to_ids": True, "event_id": "7"}
    return {**told, "id": str(number), "value": value or f"n{number}.example", "category": "Network activity", **more}


def event(*rows: dict[str, Any], whole: bool = True, **more: Any) -> dict[str, Any]:
    """Return the data of a call; `whole` false: an attribute's trigger, or the bare row of a saved event."""
    told = {"id": "7", "uuid": EVENT, "info": "phishing wave", "threat_level_id": "1", "published": True}
    told |= {"timestamp": "1767312000", "publish_timestamp": "1767312000", "Orgc": {"name": "CERT"}}
    rest = {"RelatedEvent": []} if whole else {}
    return {"Event": {**told, "Tag": [{"name": "tlp:green"}], "Attribute": [*rows], **rest, **more}}


def bare(**more: Any) -> dict[str, Any]:
    """Return the row of an event that was saved, as event-after-save brings it."""
    data = event(whole=False, **more)
    del data["Event"]["Attribute"]
    return data


def ask(action: str, data: dict[str, Any], **params: str) -> dict[str, Any]:
    request = {"module": action, "data": copy.deepcopy(data), "params": params}
    return ActionFile.load(ACTIONS / f"{action}.py").module.handler(q=json.dumps(request))


def detail(said: dict[str, Any]) -> str:
    assert "data" in said, said
    return said["data"]["detail"]


def life(action: str, **params: str) -> list[str]:
    """Let an event live; return what MISP heard, call by call."""
    first, second = attribute(1), attribute(2)
    calls: list[tuple[dict[str, Any], dict[str, str]]] = [
        (event(first), {}),  # published
        (event(first), {}),  # once more, nothing changed
        (event(first, info="phishing wave, corrected"), {}),
        (event(second, whole=False, info="phishing wave, corrected"), {}),  # attribute-after-save
        (event(first, second, info="phishing wave, corrected"), {}),  # published, nothing new
        (bare(published=False, info="phishing wave, corrected"), {}),  # unpublished
        (bare(info="phishing wave, corrected"), {"event_goes": "true"}),  # deleted
        (event(second, info="phishing wave, corrected"), {}),  # published again, with one attribute less
    ]
    return [detail(ask(action, data, **params, **more)) for data, more in calls]


def told(name: str) -> list[str]:
    """Return what MISP must hear in such a life of a case called so ("RT ticket 1")."""
    ends = (
        *("was created", "shows that already", "was updated", "was updated", "shows that already"),
        *("was closed", "was told already that the event is withdrawn", "was updated"),
    )
    return [f"{name} {end}" for end in ends]
