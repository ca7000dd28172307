"""What a mail has attached, at the edge of what it may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing.contract import ActionFile

ACTION = Path(__file__).resolve().parents[2] / "misp_modules/modules/action_mod/email_message.py"
PARAMS = {
    "recipients": "soc@example.org",
    "sender": "misp@example.org",
    "smtp_server": "127.0.0.1",
    "attachment": "json",
    "selected_or_all": "all",
    "dry_run": "true",
}


@pytest.mark.parametrize(
    ("letter", "times", "said"),
    [
        ("x", 9_999_000, '"attachment": "'),
        ("x", 10_000_000, "No attachment: it would have 10.0 MB, and 10 MB are the most."),
        ("ü", 6_000_000, "No attachment: it would have 12.0 MB, and 10 MB are the most."),
    ],
)
def test_what_is_too_large_for_a_mail_is_left_out_and_that_is_said(letter: str, times: int, said: str) -> None:
    action = ActionFile.load(ACTION)
    assert action.module.MAX_ATTACHMENT == 10_000_000
    attribute = {
        "uuid": "00000000-0000-4000-8000-000000000001",
        "type": "text",
        "value": "8.8.8.8",
        "comment": letter * times,
    }
    event: dict[str, Any] = {"uuid": "00000000-0000-4000-8000-000000000002", "info": "large", "Attribute": [attribute]}
    request = {"module": action.name, "params": PARAMS, "data": {"Event": event}}
    told = action.module.dict_handler(request=request)["data"]
    assert told["status"] == "dry-run" and said in told["detail"], told["detail"][:2000]
