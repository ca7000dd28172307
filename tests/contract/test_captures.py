"""The requests that a real MISP sent, one per trigger, through every action, to a receiver that takes everything."""

from __future__ import annotations

import json
from typing import Any

from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile, sample_params, trouble_with
from misp_workflow.testing.hostile import spellings

SECRET_KEYS = {"password", "confirm_password", "authkey"}


def secrets_in(value: Any) -> set[str]:
    """The passwords, hashes and keys that MISP hands over, wherever they are nested."""
    if isinstance(value, list):
        return {secret for item in value for secret in secrets_in(item)}
    if not isinstance(value, dict):
        return set()
    found = {item for key, item in value.items() if key in SECRET_KEYS and isinstance(item, str) and item}
    return found | secrets_in(list(value.values()))


def test_the_captures_hold_secrets(captures: dict[str, Any]):
    """Or the test below would look for nothing."""
    for trigger in ("user-before-save", "user-after-save"):
        assert len(secrets_in(captures[trigger]["data"])) == 3


def test_every_captured_body_is_answered_and_gives_no_secret_away(action: ActionFile, captures: dict[str, Any], rules):
    arrived = []
    with Receiver() as receiver:
        receiver.always(answer({"ok": True}))
        rules(f'[misp]\nurl = "{receiver.url}"\nkey = "k3YofNobody"\n')
        params = sample_params(action, receiver.url)
        if "items" in params:
            params["items"] = "all"  # the most that can leave
        for trigger, body in captures.items():
            reply = action.ask(json.dumps({**body, "module": action.name, "params": params}).encode())
            assert trouble_with(reply) == "", trigger
        arrived = [request.head + request.body for request in receiver.requests]
    if any(spec.get("format") == "url" for spec in action.params.values()):
        assert arrived, "no captured body made this action send anything"
    forms = {form for secret in secrets_in(list(captures.values())) for form in spellings(secret)}
    assert [form for form in forms for text in arrived if form in text] == []
