"""Event text within a topic, subject or routing key stays on its level, and is no wildcard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules/modules/action_mod"
SYSTEMS = [
    ("mqtt_message", "topic", "mqtt://127.0.0.1:9", "/", "+#"),
    ("nats_message", "subject", "nats://127.0.0.1:9", ".", "*> "),
    ("amqp_message", "routing_key", "amqp://127.0.0.1:9", ".", "*#"),
]
HOSTILE = ["a/b", "a.b", "#", "+", "*", ">", "a.>", "+/alarms/#", "a b", "100%", "%2F", "../alarms", "line\nbreak"]


@pytest.mark.parametrize(("name", "parameter", "address", "between", "wild"), SYSTEMS)
@pytest.mark.parametrize("value", HOSTILE)
def test_event_text_is_one_level_of_a_topic(name, parameter, address, between, wild, value) -> None:
    row = {"uuid": "00000001-0000-4000-8000-000000000000", "type": "text", "value": value, "to_ids": True}
    uuid = "11111111-2222-4333-8444-555555555555"
    data = {"Event": {"id": "7", "uuid": uuid, "info": "any", "Attribute": [row], "RelatedEvent": []}}
    source = between.join(("misp", "{{ attribute.value }}", "seen"))
    params = {"address": address, parameter: source, "selected_or_all": "all", "dry_run": "true"}
    request = {"module": name, "data": data, "params": {**params, "exchange": "misp"}}
    detail = ActionFile.load(ACTIONS / f"{name}.py").module.handler(q=json.dumps(request))["data"]["detail"]
    batch: dict[str, Any] = json.JSONDecoder().raw_decode(detail, detail.index("{"))[0]
    first, level, last = batch["records"][0]["topic"].split(between)
    assert (first, last) == ("misp", "seen")
    assert unquote(level) == value.replace("\n", " ") and not set(wild) & set(level)
