"""Runs are dry unless --send is given, and say so; what does not fit is an error, never a plain success."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import main
from misp_workflow.errors import InputError
from misp_workflow.runner.graph.build import workflow as build
from misp_workflow.testing import MispModulesServer, Receiver, answer
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.testing.workflows import WorkflowUnderTest

ROOT = Path(__file__).resolve().parents[2]
EVENT = str(ROOT / "tests" / "captures" / "event-publish.json")
USER = str(ROOT / "examples" / "events" / "user-of-another-domain.json")
NODES: dict[Any, Any] = {
    2: ("publish_gate", {"required_tags": "tlp:*"}),
    3: ("slack_message", {"destination": "chat"}),
    4: ("misp_tag", {"tags": 'workflow:state="complete"', "selected_or_all": "all"}),
}


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with Receiver() as found:
        found.always(lambda _: answer("ok"))
        yield found


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chat: Receiver, rules) -> Iterator[MispStandIn]:
    """An operator's settings in force, with a destination and a MISP, and a workflow that speaks to both."""
    with MispStandIn() as misp:
        rules(
            f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n'
            f'[destinations.chat.parameters]\nwebhook_url = "{chat.url}/hook"\n'
        )
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "w.json").write_text(json.dumps(build("w", "event-publish", NODES, [(1, 2), (2, 3), (3, 4)])))
        yield misp


def call(*arguments: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, arguments, catch_exceptions=False)


DRY = [
    ("run", "w.json", "--event", EVENT),
    ("module", "slack_message", "--event", EVENT, "--param", "destination=chat"),
    ("module", "misp_tag", "--event", EVENT, "--param", 'tags=x:y="z"', "--param", "selected_or_all=all"),
]


@pytest.mark.parametrize("arguments", DRY, ids=" ".join)
def test_nothing_happens_and_nothing_is_remembered(
    arguments: tuple[str, ...], house: MispStandIn, chat: Receiver, tmp_path: Path
) -> None:
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Dry run: nothing is sent")
    assert done.stdout.count("would send") + done.stdout.count("would change") >= 1 or "dry-run" in done.stdout
    assert json.loads(call(*arguments, "--json").stdout)["dry"] is True
    assert not chat.requests and not house.requests
    assert not [*tmp_path.glob("state/**/*")]


def test_the_real_call_after_a_dry_one_is_no_repetition(house: MispStandIn, chat: Receiver) -> None:
    dry = ("module", "slack_message", "--event", EVENT, "--param", "destination=chat")
    call(*dry)
    sent = call(*dry, "--send")
    assert "Dry run" not in sent.stdout and '"delivered"' in sent.stdout
    assert len(chat.requests) == 1


def test_run_with_send_sends(house: MispStandIn, chat: Receiver) -> None:
    assert "Dry run" not in call("run", "w.json", "--event", EVENT, "--send").stdout
    assert len(chat.requests) == 1


def test_the_loop_says_that_it_is_dry(house: MispStandIn, chat: Receiver) -> None:
    assert call("run", "w.json", "--event", EVENT, "--loop", "2").stdout.startswith("Dry run:")
    assert not chat.requests and not house.requests


@pytest.mark.parametrize("mode", [["--loop", "2"], ["--misp-compare", "2.5.1", "2.5.50"]], ids=" ".join)
@pytest.mark.parametrize("more", [["--send"], ["--html", "page.html"], ["--json"]], ids=" ".join)
def test_what_a_mode_would_pass_over_is_refused(house: MispStandIn, mode: list[str], more: list[str]) -> None:
    told = call("run", "w.json", "--event", EVENT, *mode, *more)
    assert told.exit_code == 2 and f"{mode[0]} does not go together with {more[0]}." in told.stderr


@pytest.mark.server
def test_a_real_server_is_asked_dry(
    house: MispStandIn, chat: Receiver, misp_modules_server: MispModulesServer, tmp_path: Path
) -> None:
    given = {2: ("publish_gate", {"required_tags": "tlp:*"}), 3: ("slack_message", {"webhook_url": f"{chat.url}/hook"})}
    (tmp_path / "d.json").write_text(json.dumps(build("d", "event-publish", given, [(1, 2), (2, 3)])))
    dry = call("run", "d.json", "--event", EVENT, "--server", misp_modules_server.url)
    assert dry.exit_code == 0 and dry.stdout.startswith("Dry run:") and not chat.requests
    unknown = ("module", "testaction", "--event", EVENT, "--server", misp_modules_server.url)
    assert "not asked" in call(*unknown).stdout
    assert call("run", "d.json", "--event", EVENT, "--server", misp_modules_server.url, "--send").exit_code == 0
    assert len(chat.requests) == 1


def test_the_fixture_is_dry_unless_told(
    house: MispStandIn,
    chat: Receiver,
    workflow: Callable[..., WorkflowUnderTest],
    captures: dict[str, Any],
    tmp_path: Path,
) -> None:
    tried = workflow(tmp_path / "w.json")
    assert tried.run(captures["event-publish"]).answers("slack_message")[0]["data"]["status"] == "dry-run"
    assert not chat.requests
    assert tried.run(captures["event-publish"], send=True).answers("slack_message")[0]["data"]["status"] == "delivered"
    with pytest.raises(InputError, match="slack_message"):
        workflow(tmp_path / "w.json").answer(slack_mesage="ok").run(captures["event-publish"])


@pytest.mark.parametrize("event", [{"foo": 1}, {"name": "Invalid event", "message": "Invalid event", "url": "/x"}, {}])
@pytest.mark.parametrize("command", ["run", "module", "faults"])
def test_what_is_no_event_is_an_error(command: str, event: Any, house: MispStandIn, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps(event))
    first = "slack_message" if command == "module" else "w.json"
    done = call(command, first, "--event", "e.json")
    assert done.exit_code == 2 and "success" not in done.stdout
    assert "e.json holds no" in done.stderr


def test_an_event_that_the_trigger_never_hands_over_is_an_error(house: MispStandIn) -> None:
    done = call("run", "w.json", "--event", USER)
    assert done.exit_code == 2 and "holds a user; event-publish hands over an event" in done.stderr
    done = call("run", "w.json", "--event", EVENT, "--trigger", "user-before-save")
    assert done.exit_code == 2 and "user-before-save hands over a user" in done.stderr


def test_names_that_nobody_has_are_told_with_the_nearest(house: MispStandIn, tmp_path: Path) -> None:
    done = call("run", "w.json", "--event", EVENT, "--trigger", "event-publsh")
    assert done.exit_code == 2 and "event-publish" in done.stderr
    done = call("run", "w.json", "--event", EVENT, "--answer", "slack_mesage=ok")
    assert done.exit_code == 2 and "slack_message" in done.stderr
    nodes = {2: ("slack_mesage", {}), 3: ("slack_message", {"destination": "chatt"})}
    (tmp_path / "x.json").write_text(json.dumps(build("x", "event-publish", nodes, [(1, 2), (1, 3)])))
    done = call("run", "x.json", "--event", EVENT, "--offline")
    assert "slack_mesage" in done.stderr and "“chat”" in done.stderr


def test_a_disabled_workflow_is_told(house: MispStandIn, tmp_path: Path) -> None:
    stored = json.loads((ROOT / "examples" / "workflows" / "publish-gate.json").read_text())
    row = stored.get("Workflow", stored)
    (tmp_path / "off.json").write_text(json.dumps({"Workflow": {**row, "enabled": False}}))
    assert "is disabled" in call("run", "off.json", "--event", EVENT).stderr


@pytest.mark.parametrize("command", ["run", "module", "check", "faults"])
@pytest.mark.parametrize("way", ["nobody there", "no scheme", "no misp-modules"])
def test_a_server_that_is_none_is_one_sentence(command: str, way: str, house: MispStandIn, chat: Receiver) -> None:
    url = {"nobody there": "http://127.0.0.1:1", "no scheme": "127.0.0.1:6666", "no misp-modules": chat.url}[way]
    first = "slack_message" if command == "module" else "w.json"
    event = () if command == "check" else ("--event", EVENT)
    done = call(command, first, *event, "--server", url)
    assert done.exit_code == 2 and not done.stdout.strip(), done.output
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("misp-workflow: ")
