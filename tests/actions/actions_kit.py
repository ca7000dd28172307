"""The action files and their cases, and the request that MISP would send for one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from misp_workflow.installed import own_actions
from misp_workflow.testing import Receiver
from misp_workflow.testing.contract import ActionFile

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
ACTIONS = sorted((HERE.parents[1] / "misp_modules/modules/action_mod").glob("*.py"))
CASES = sorted(HERE.glob("*/*.json"))


@cache
def module_of(action: str) -> ModuleType:
    return ActionFile.load(HERE.parents[1] / f"misp_modules/modules/action_mod/{action}.py").module


def request_of(case: dict[str, Any], action: str, receiver: Receiver) -> dict[str, Any]:
    """Return the request body that MISP would send for the case."""
    text = json.dumps(case.get("params", {})).replace("{receiver}", receiver.url)
    text = text.replace("{receiver_host}", f"{receiver.host}:{receiver.port}")
    data = case["data"]
    if isinstance(data, str):
        data = json.loads((CAPTURES / f"{data}.json").read_text())["data"]
    request = {"module": action, "data": data, "params": json.loads(text)}
    if "selected" in case:
        request["filteredItems"] = data if case["selected"] == "data" else case["selected"]
    return request


SENDING = [
    action
    for action in (path.stem for path in ACTIONS if path.resolve() in own_actions())  # all others are watched
    if "delivery" in (config := module_of(action).moduleconfig)["params"] and config.get("leaves_home", True)
]
MOST = 5
"""Cases of each action."""
