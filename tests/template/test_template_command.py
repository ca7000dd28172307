"""misp-workflow template: what an operator sees before a workflow sends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli.commands.template import command
from misp_workflow.errors import InputError, TemplateError
from misp_workflow.template import STYLES

EVENT = {"Event": {"info": "<b> & @here", "uuid": "x", "Attribute": [{"type": "domain", "value": "evil.example"}]}}


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENT))
    return path


def run(source: str | bytes, event: Path, *options: str, stdin: str | None = None) -> Result:
    template = event.with_name("message.txt")
    template.write_bytes(source if isinstance(source, bytes) else source.encode())
    file = "-" if stdin is not None else str(template)
    return CliRunner().invoke(command, [file, "--event", str(event), *options], input=stdin)


def test_a_template_is_rendered_for_a_style(event: Path) -> None:
    assert run("{{ event.info }}: {{ attributes[0].value }}\n", event).output == "<b> & @here: evil[.]example\n"
    assert run("{{ event.info }}", event, "--style", "slack").output == "&lt;b&gt; &amp; @\u200bhere\n"
    assert run('{"a": {{ event.info }}}', event, "--style", "json").output == '{"a": "<b> & @here"}\n'
    assert run("", event, stdin="{{ kind }}").output == "event\n"


def test_the_names_are_those_of_actions(event: Path) -> None:
    for name in (
        "data",
        "event",
        "attributes",
        "selected",
        "tags",
        "summary",
        "user",
        "log",
        "withheld",
        "link_to_event",
    ):
        assert run(f"{{{{ 'yes' if {name} is defined }}}}", event).output == "yes\n"


def test_a_condition_is_decided(event: Path) -> None:
    holds = run("attributes(type='domain')", event, "--condition")
    assert (holds.output, holds.exit_code) == ("true\n", 0)
    fails = run("{{ attributes(type='url') }}", event, "--condition")
    assert (fails.output, fails.exit_code) == ("false\n", 1)


def test_secrets_are_not_there(event: Path) -> None:
    event.write_text(json.dumps({"email": "a@example.org", "password": "$2y$10$secret", "authkey": "k" * 40}))
    shown = run("{{ data }}{{ user }}", event).output
    assert "example[.]org" in shown and "secret" not in shown and "kkkk" not in shown


def test_errors_are_sentences(event: Path) -> None:
    wrong = run("\n{{ evnt }}", event)
    assert isinstance(wrong.exception, TemplateError)
    assert str(wrong.exception) == "line 2: there is no 'evnt'; did you mean 'event'?"
    assert isinstance(run(b"\xff\xfe", event).exception, InputError)
    event.write_text("no json")
    assert isinstance(run("x", event).exception, InputError)
    assert run("x", event, "--style", "nope").exit_code == 2


def test_help_names_every_style() -> None:
    shown = "".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert all(style in shown for style in STYLES)
