"""Rule files: what is wrong with one is said with its line; what one says holds at the gate and on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.action.rules import read_book
from misp_workflow.cli import main
from misp_workflow.errors import SettingsError
from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "tests" / "captures"

GOOD = """
[tlp-once]
tlp_once = true
message = "Mark the event with exactly one TLP tag."

[for-the-community]
minimum_distribution = 1
allowed_distributions = [1, 2, 3]

[no-attachments]
forbidden_types = ["attachment", "malware-sample"]
severity = "warn"
only_if = "event.threat_level_id|int < 4"
"""


@pytest.fixture
def book(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(text)
        return path

    return write


def test_a_good_file_is_read(book):
    rules = read_book(book(GOOD))
    assert [(rule.name, rule.blocks) for rule in rules] == [
        ("tlp-once", True),
        ("for-the-community", True),
        ("no-attachments", False),
    ]
    assert rules[1].values.allowed_distributions == ("1", "2", "3")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[a\n", 0, "is not valid TOML"),
        ("", 0, "has no rule"),
        ("tlp_once = true\n", 1, "stands outside of a rule"),
        ("[a]\n\ntlp_onse = true\n", 3, "no check called “tlp_onse”; the nearest name is “tlp_once”"),
        ("[a]\ntlp_once = 'perhaps'\n", 2, "'tlp_once' must be true or false"),
        ("[b]\ntlp_once = true\n[a]\nminimum_attributes = -1\n", 4, "must be at least 0"),
        ("[a]\nallowed_distributions = [1, 7]\n", 2, "'7' is none of them"),
        ("[a]\nseverity = 'fatal'\ntlp_once = true\n", 2, "must be one of: block, warn"),
        ("[a]\nrequired_tags = { x = 1 }\n", 2, "must be text"),
        ("[a]\nrequired_tags = [1.5]\n", 2, "must be text"),
        ("[a]\nforbidden_tags = ['tlp:green', 'tlp:.*']\n", 2, "'tlp:.*' is a regular expression"),
        ("[a]\ncondition = 'event.('\n", 2, "condition: "),
        ("[a]\ntlp_once = true\nonly_if = '{% if %}'\n", 3, "only_if: "),
        ("[a]\nmessage = 'nothing is checked'\n", 1, "checks nothing"),
        ("[a]\ntag_scope = 'any'\n", 1, "checks nothing"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(book, text, line, says):
    with pytest.raises(SettingsError) as error:
        read_book(book(text))
    assert says in str(error.value)
    assert f", line {line}: " in str(error.value) or not line


def test_a_file_that_is_no_text_or_not_there_is_refused(book, tmp_path):
    path = book("")
    path.write_bytes(b"\xff\xfe[a]")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_book(path)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_book(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_book(tmp_path)


def test_a_changed_file_is_read_again(book):
    path = book("[a]\ntlp_once = true\n")
    assert [rule.name for rule in read_book(path)] == ["a"]
    path.write_text("[other]\ntlp_once = true\n")
    os.utime(path, ns=(1, 1))
    assert [rule.name for rule in read_book(path)] == ["other"]


# --- at the gate ------------------------------------------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path: Path, captures, book, rules):
    """Ask the gate about a captured event, with a rule file."""
    rules(f'[rules]\nhouse = "{tmp_path / "rules.toml"}"\n')
    action = ActionFile.load(ROOT / "misp_modules/modules/action_mod/publish_gate.py")

    def ask(text: str, **params: str) -> dict[str, Any]:
        book(text)
        body = {"module": "publish_gate", "data": captures["event-publish"]["data"]}
        return action.ask(json.dumps({**body, "params": {"rules": "house", **params}}).encode())

    return ask


def test_rules_of_the_file_and_of_the_node_are_told_together(gate):
    said = gate(
        "[tlp]\nforbidden_tags = ['tlp:amber']\n[few]\nminimum_attributes = 99\nmessage = 'Too few.'\n",
        required_tags="PAP:*",
    )
    assert said["error"] == (
        "Not published: no tag matches 'PAP:*'; the tag 'tlp:amber' is forbidden (rule “tlp”); Too few (rule “few”)."
    )


def test_a_rule_that_only_warns_lets_pass_and_says_so(gate):
    said = gate("[few]\nminimum_attributes = 99\nseverity = 'warn'\n")
    assert said["data"]["status"] == "passed"
    assert "Warning: it has 8 attributes" in said["data"]["detail"]


def test_a_rule_holds_only_where_it_applies(gate):
    rule = "[few]\nminimum_attributes = 99\nonly_if = 'event.info == \"{}\"'\n"
    assert "data" in gate(rule.format("something else"))
    assert "error" in gate(rule.format("publish me rich"))


@pytest.mark.parametrize(
    "text", ["[a\n", "[a]\nnonsense = 1\n", "[a]\ncondition = 'evnt.info'\n", "[a]\ntlp_once = 1.5\n"]
)
def test_a_broken_file_lets_nothing_pass(gate, text):
    assert "error" in gate(text)


# --- on the command line ----------------------------------------------------------------------------------------------


def run(*arguments: Any):
    return CliRunner().invoke(main, ["check-event", *map(str, arguments)])


def test_a_folder_of_events_is_judged_with_a_summary(book, tmp_path):
    folder = tmp_path / "events"
    (folder / "below").mkdir(parents=True)
    event = json.loads((CAPTURES / "event-publish.json").read_text())["data"]
    (folder / "one.json").write_text(json.dumps(event))
    green = {"Event": {**event["Event"], "Tag": [{"name": "tlp:green"}, {"name": "tlp:red"}], "info": "two tags"}}
    (folder / "below" / "two.json").write_text(json.dumps({"response": [green, event["Event"]]}))
    done = run(book(GOOD), folder)
    assert done.exit_code == 1
    assert "3 events: 2 pass, 1 block" in done.output
    assert "two tags" in done.output
    assert "1 of 3" in done.output
    listed = json.loads(run(book(GOOD), folder, "--json").output)
    assert [(one["event"], one["verdict"]) for one in listed] == [
        ("two.json (1)", "block"),
        ("two.json (2)", "pass"),
        ("one.json", "pass"),
    ]
    assert listed[0]["broken"] == [
        {
            "rule": "tlp-once",
            "severity": "block",
            "reasons": ["Mark the event with exactly one TLP tag (rule “tlp-once”)"],
        }
    ]


def test_warnings_count_when_asked_to(book):
    path = book("[few]\nminimum_attributes = 99\nseverity = 'warn'\n")
    event = CAPTURES / "event-publish.json"
    assert run(path, event).exit_code == 0
    assert run(path, event, "--strict").exit_code == 1


def test_unusable_input_is_said(book, tmp_path):
    (tmp_path / "user.json").write_text('{"email": "x"}')
    done = run(book(GOOD), tmp_path / "user.json")
    assert (done.exit_code, "holds no event" in done.output) == (2, True)
    assert run(book("[a]\nx = 1\n"), CAPTURES / "event-publish.json").exit_code == 2


def test_the_example_rules_are_good():
    assert read_book(ROOT / "examples" / "rules" / "publish.toml")


def test_a_rule_whose_turn_comes_too_late_is_not_kept(book):
    from misp_workflow.action.rules import Subject, judge
    from misp_workflow.event import View

    rules = read_book(book("[a]\nminimum_attributes = 0\ntlp_once = false\n[b]\ntlp_once = false\n"))
    subject = Subject(View({"Event": {"info": "x"}}), bool)
    assert judge(rules, subject) == []
    assert [verdict.reasons for verdict in judge(rules, subject, deadline=0.0)] == [
        ("there was no time left to judge the rule “a”",),
        ("there was no time left to judge the rule “b”",),
    ]
