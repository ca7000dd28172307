"""A call lets go of its event at once: what held itself would stay, a whole event each, until Python looks for such."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"
CALLS = {
    "own message": ("slack_message", {"message": "{{ event.info }}: {{ attributes(to_ids=true)|length }}"}),
    "summary": ("slack_message", {}),
    "template that fails": ("slack_message", {"message": "{{ evnt.info }}"}),
    "body of one's own": (
        "http_request",
        {"body": '{"info": {{ event.info }}}', "headers": "X-Event: {{ event.uuid }}"},
    ),
    "gate": ("publish_gate", {"require_tag": "tlp:*"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_of_a_call_waits_for_the_garbage_collector(name: str) -> None:
    module, params = CALLS[name]
    action = ActionFile.load(ACTIONS / f"{module}.py").module
    address = "url" if module == "http_request" else "webhook_url"
    given = {address: "http://127.0.0.1:9/hook", "dry_run": "true", **params}
    known = action.moduleconfig["params"]
    request = json.loads((ROOT / "tests" / "captures" / "event-publish.json").read_bytes())
    request["params"] = {name: value for name, value in given.items() if name in known}
    action.dict_handler(request)  # the first call imports and compiles
    gc.collect()
    gc.disable()
    try:
        action.dict_handler(request)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("misp_workflow")}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == set()
