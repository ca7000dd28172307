"""misp-workflow modules: every action with what becomes of what it has sent."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from misp_workflow.cli import main

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"


def test_every_action_is_there_and_says_whether_it_takes_back() -> None:
    found = {one["name"]: one for one in json.loads(CliRunner().invoke(main, ["modules", "--json"]).output)}
    assert found.keys() == {file.stem for file in ACTIONS.glob("*.py")}
    assert found["blocklist_file"]["withdraws"] == "yes" and found["slack_message"]["withdraws"] == "no"
    assert (found["publish_gate"]["kind"], found["publish_gate"]["withdraws"]) == ("gate", "")
    assert found["misp_tag"]["kind"] == "changes MISP"


def test_the_table_has_a_row_for_each() -> None:
    told = CliRunner().invoke(main, ["modules"], env={"COLUMNS": "200"}).output
    assert "kafka_record" in told and "withdraws" in told
