"""misp-workflow modules and actions: what there is, where it is, and what is for what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.cli.overview import GROUPS, others
from misp_workflow.testing import Receiver, answer

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
NAMES = {file.stem for file in ACTIONS.glob("*.py")}


def rows(*words: str) -> dict[str, dict]:
    told = CliRunner().invoke(main, [*words, "--json"])
    assert told.exit_code == 0, told.output
    listed, _ = json.JSONDecoder().raw_decode(told.output)  # notes to standard error may follow
    return {one["name"]: one for one in listed}


def test_every_action_is_there_and_says_whether_it_takes_back() -> None:
    found = {name: one for name, one in rows("modules").items() if one["whose"] == "this pack"}
    assert found.keys() == NAMES
    assert found["blocklist_file"]["withdraws"] == "yes" and found["slack_message"]["withdraws"] == "no"
    assert (found["publish_gate"]["group"], found["publish_gate"]["withdraws"]) == ("gate", "")
    assert found["misp_tag"]["group"] == "write back"


def test_the_table_has_a_row_for_each() -> None:
    told = CliRunner().invoke(main, ["modules"], env={"COLUMNS": "250"}).output
    assert "kafka_record" in told and "withdraws" in told
    assert "enabled ┃" not in told, "no column of what nobody could be asked"


def test_nobody_asked_is_no_answer() -> None:
    with Receiver() as receiver:
        url = receiver.url
    assert {one["served"] for one in rows("modules", "--server", url).values()} == {None}


def test_what_a_real_server_serves(misp_modules_server) -> None:
    found = rows("modules", "--server", misp_modules_server.url)
    assert all(found[name]["served"] for name in NAMES)
    assert found["testaction"]["whose"] == "misp-modules" and found["testaction"]["served"]


def test_what_misp_has_enabled(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_MISP_KEY", "k" * 40)
    listed = [{"id": "slack_message", "disabled": False}, {"id": "tag_operation", "disabled": True}]
    receiver.always(answer(listed))
    found = rows("modules", "--misp-url", receiver.url)
    assert (found["slack_message"]["enabled"], found["teams_card"]["enabled"]) == (True, False)
    assert (found["tag_operation"]["whose"], found["tag_operation"]["enabled"]) == ("MISP", False)


@pytest.mark.parametrize("command", ["modules", "actions"])
def test_a_word_finds(command: str) -> None:
    found = rows(command, "mail")
    assert "email_message" in found and "kafka_record" not in found
    told = CliRunner().invoke(main, [command, "no-such-thing"])
    assert told.exit_code == 2 and "no-such-thing" in told.output


def test_every_chat_is_found_by_that_word() -> None:
    found = rows("actions", "chat")
    assert {"slack_message", "teams_card", "matrix_message", "nextcloud_message"} <= found.keys()
    assert "email_message" not in found


def test_each_action_is_for_something() -> None:
    found = rows("actions")
    assert found.keys() == NAMES
    groups = {name: one["group"] for name, one in found.items()}
    assert set(groups.values()) <= GROUPS.keys()
    assert groups["hashlookup_check"] == "ask" and groups["kafka_record"] == "feed" and groups["teams_card"] == "tell"
    assert found["event_gate"]["triggers"] == "event-before-save" and found["event_gate"]["blocking"]


def test_advice_is_about_actions_that_are_there() -> None:
    assert others().keys() <= NAMES
    told = CliRunner().invoke(main, ["actions", "slack"], env={"COLUMNS": "200"}).output
    assert "tell:" in told and "on any trigger\n" in told and "or: misp-modules' own slack" in told
