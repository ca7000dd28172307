"""event_gate on events that are in MISP already: what of them changes, MISP is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

GATE = Path(__file__).parents[2] / "misp_modules/modules/action_mod/event_gate.py"
OURS = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def misp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules):
    with MispStandIn() as standin:
        rules(f'[misp]\nurl = "{standin.url}"\nkey = "{standin.key}"\n')
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        yield standin


def ask(row: dict[str, Any], **params: str) -> dict[str, Any]:
    body = {"module": "event_gate", "data": {"Event": {**row, "_AttributeFlattened": []}}, "params": params}
    return ActionFile.load(GATE).module.handler(q=json.dumps(body))


def row_of(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What MISP sends of a change: the event's row, with what is changed."""
    return {**{key: value for key, value in event.items() if not isinstance(value, (list, dict))}, **changes}


def test_what_was_so_before_stops_no_change_and_what_changes_does(misp):
    there = misp.add_event({"info": "there", "distribution": "0", "date": "2020-01-01"})
    rules = {"minimum_distribution": "1", "maximum_age": "30"}
    assert ask(row_of(there, published=0), **rules)["data"]["status"] == "passed"
    widened = ask(row_of(there, distribution=3), allowed_distributions="0\n1")
    assert "the distribution 'all communities' is not allowed" in widened["error"]
    assert "days old" in ask(row_of(there, date="2020-01-02"), **rules)["error"]


def test_misp_is_asked_only_where_a_rule_would_say_no(misp):
    there = misp.add_event({"info": "there", "distribution": "1"})
    misp.clear()
    assert ask(row_of(there), minimum_distribution="1", required_tags="tlp:*")["data"]["status"] == "passed"
    assert misp.requests == []
    ask(row_of(there), minimum_distribution="2", maximum_age="1")
    assert len(misp.requests) == 1


def test_a_rule_file_judges_a_change_no_further_than_the_node_does(misp, tmp_path):
    book = tmp_path / "rules.toml"
    book.write_text('[marked]\ntlp_once = true\nminimum_attributes = 1\n[wide]\nminimum_distribution = "1"\n')
    settings = tmp_path / "settings.toml"
    settings.write_text(f'{settings.read_text()}[rules]\nhouse = "{book}"\n')
    there = misp.add_event({"info": "there", "distribution": "2"})
    assert ask(row_of(there), rules="house")["data"]["status"] == "passed"
    assert "must be at least" in ask(row_of(there, distribution="0"), rules="house")["error"]
