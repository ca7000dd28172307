"""The action that CONTRIBUTING.md shows works as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import CHECKS, ActionFile

ROOT = Path(__file__).resolve().parents[2]


def test_every_key_of_a_parameter_is_told() -> None:
    actions = (ROOT / "misp_modules" / "modules" / "action_mod").glob("*.py")
    used = {key for path in actions for spec in ActionFile.load(path).params.values() for key in spec}
    told = "".join(re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    assert used - {"description", "value"} - set(re.findall(r"`(\w+)`", told)) == set()


def test_the_example_is_an_action(tmp_path: Path, receiver: Receiver, captures):
    source, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    path = tmp_path / "zulip_example.py"
    path.write_text(source)
    action = ActionFile.load(path)
    assert [finding for check in CHECKS for finding in check(action)] == []

    params = {"server_url": receiver.url, "api_key": "k3y-0123456789", "stream": "soc", "message": "{{ 1 + 1 }} new"}
    receiver.answers(answer({"result": "success"}), answer({"result": "error", "msg": "Stream does not exist"}))
    replies = []
    for trigger in ("event-publish", "event-after-save-new"):
        request = {"module": "zulip_example", "data": captures[trigger]["data"], "params": params}
        replies.append(action.ask(json.dumps(request).encode()))
    assert [reply.keys() for reply in replies] == [{"data"}, {"error"}], replies
    sent = receiver.requests[0]
    assert (sent.path, sent.form()["to"]) == ("/api/v1/messages", "soc")
    assert sent.form()["content"].startswith("2 new")
    assert sent.header("Authorization") == "Bearer k3y-0123456789"
