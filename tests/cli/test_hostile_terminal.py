"""A hostile event, workflow, receiver or MISP commands nobody's terminal, log, report or answer, whatever the command."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow.action import params
from misp_workflow.cli import COMMANDS, main
from misp_workflow.delivery.ledger import Sent, ledger_of
from misp_workflow.printable import logger, printable
from misp_workflow.runner.graph.build import workflow
from misp_workflow.settings import current
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

ROOT = Path(__file__).resolve().parents[2]
EVIL = "x\x1b]0;PWN\x07\x1b[2J\x9b31m\x1b]52;c;cm0gLXJmIH4K\x07\u202e\u2066\rfake: success\x7f\x08"
COMMANDING = re.compile(
    "\x1b(?!\\[[0-9;]*[mK]|\\[\\?25[lh]|\\[[0-9]*A)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
"""What no text may hold, rich's own colours and moves apart; a carriage return and these stand in no line of ours."""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Iterator[Path]:
    """A folder full of hostile files, settings that name a hostile receiver, a MISP with hostile names."""
    event = {
        "id": "7",
        "uuid": "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c",
        "info": EVIL,
        "Orgc": {"name": EVIL},
        "Tag": [{"name": "tlp:green"}, {"name": EVIL}],
        "Attribute": [{"id": "1", "uuid": "u", "type": "domain", "value": EVIL, "comment": EVIL, "to_ids": True}],
        "RelatedEvent": [],
    }
    nodes: dict[Any, Any] = {
        2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": [EVIL]}),
        3: ("slack_message", {"destination": "chat", "message": EVIL + "{{ event.info }}"}),
        4: ("publish_gate", {"forbidden_tags": "x*", "condition": f"'{EVIL}' == 1"}),
        5: ("stop-execution", {"message": EVIL}),
    }
    graph = workflow(EVIL, "event-publish", nodes, [(1, 2), (2, 3), (3, 4), (4, 5)])
    (tmp_path / "event.json").write_text(json.dumps({"Event": event}))
    (tmp_path / "workflow.json").write_text(json.dumps(graph))
    (tmp_path / "broken.json").write_text(json.dumps({**graph, EVIL: EVIL})[:-9] + EVIL)
    (tmp_path / "template.txt").write_text("{{ event.info }}{{ attributes[0].value }}")
    (tmp_path / "rules.toml").write_text('[r]\nforbidden_tags = ["x*"]\n')
    with Receiver() as chat, MispStandIn() as misp:
        chat.always(lambda _: answer(EVIL, 400))
        misp.add_workflow("event-publish", graph, EVIL)
        rules(
            f"modules_url = {json.dumps(misp.url)}\n[misp]\nurl = {json.dumps(misp.url)}\nkey = {json.dumps(misp.key)}\n"
            f"[destinations.chat.parameters]\nwebhook_url = {json.dumps(chat.url)}\n"
            f"[destinations.{json.dumps(EVIL)}.parameters]\nwebhook_url = {json.dumps(chat.url)}\n"
            f'[lists]\nfolder = {json.dumps(str(tmp_path / "lists"))}\n[destinations.list.list]\nformat = "plain"\n'
        )
        monkeypatch.chdir(tmp_path)
        times = {"first": 1.0e9, "at": time.time()}
        sent = Sent(event=UUID, item=EVIL, destination=EVIL, action=EVIL, id=EVIL, key=EVIL, **times)
        ledger_of(current()).note([sent], now=True)
        yield tmp_path


UUID = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c"
CALLS: dict[str, list[list[str]]] = {
    "run": [
        ["workflow.json", "--event", "event.json"],
        ["workflow.json", "--event", "event.json", "--json"],
        ["workflow.json", "--event", "event.json", "--offline", "--html", "page.html"],
        ["workflow.json", "--event", "event.json", "--loop", "2"],
        ["broken.json", "--event", "event.json"],
        ["workflow.json", "--event", "event.json", "--trigger", EVIL],
    ],
    "check": [["workflow.json"], ["workflow.json", "--json"], ["broken.json"]],
    "faults": [["workflow.json", "--event", "event.json"], ["workflow.json", "--event", "event.json", "--json"]],
    "module": [
        ["slack_message", "--event", "event.json", "--param", "destination=chat", "--param", f"message={EVIL}"],
        ["publish_gate", "--event", "event.json", "--param", "forbidden_tags=x*", "--json"],
        ["publish_gate", "--event", "event.json", "--param", f"destination={EVIL}"],
        [EVIL, "--event", "event.json"],
    ],
    "template": [["template.txt", "--event", "event.json"], ["template.txt", "--event", "event.json", "--condition"]],
    "list": [[], ["--json"], ["show", EVIL], ["check"]],
    "backtest": [
        ["workflow.json", "event.json", "--html", "page.html"],
        ["workflow.json", "event.json", "broken.json", "--json"],
        ["broken.json", "event.json"],
        ["workflow.json", "--last", "30d"],
    ],
    "pull": [["pulled"], ["pulled", "--json"]],
    "diff": [["pulled"], ["pulled", "--json"]],
    "push": [["workflow.json", "--dry-run"], ["workflow.json"], ["workflow.json", "--replace"]],
    "undo": [["--list"], [], [EVIL]],
    "install": [[], [EVIL], ["publish-gate", "--set", f"{EVIL}={EVIL}"]],
    "debug": [["broken.json"], [EVIL], ["--port", EVIL]],  # with what it takes it would listen for ever
    "new": [[EVIL], ["acme_ticket", "--folder", "new"], ["acme_ticket", "--folder", "new"]],
    "route": [["event.json"], ["event.json", EVIL], ["event.json", "--at", EVIL]],
    "outbox": [[], ["--json"], ["show", EVIL], ["show", "--help"], [EVIL]],
    "sent": [[EVIL], [UUID], [UUID, "--items"], [UUID, "--json"], [UUID, "--destination", EVIL]],
    "doctor": [[], ["--json"], ["--send", EVIL], ["--send", "chat", "--action", "slack_message"]],
    "check-event": [
        ["rules.toml", "event.json"],
        ["rules.toml", "event.json", "--json"],
        ["rules.toml", "workflow.json"],
    ],
}


def call(arguments: list[str]) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, arguments)


@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_text_command_the_terminal(
    name: str, colours: bool, house: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "misp_workflow")
    if colours:
        monkeypatch.setenv("FORCE_COLOR", "1")
    said = ""
    if name == "diff":
        call(["pull", "pulled"])
    for arguments in CALLS.get(name, [[], [EVIL], ["--json"]]):
        done = call([name, *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        for output in (done.stdout, done.stderr):
            output = re.sub("\r?(\x1b\\[1A)?\x1b\\[2K", "", output)  # rich's progress bar begins its line anew
            said += output
            assert COMMANDING.search(output) is None, (arguments, COMMANDING.search(output))
        if "--json" in arguments and done.stdout:
            json.loads(done.stdout)
    for file in house.glob("*.html"):
        assert COMMANDING.search(file.read_text()) is None
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("misp_workflow"))
    assert COMMANDING.search(ours) is None
    if name in ("run", "backtest", "check-event", "template", "module"):
        assert "PWN" in said, "the text itself is shown"


def test_answers_and_the_delivery_log_command_nobody(house: Path, tmp_path: Path) -> None:
    event = json.loads((house / "event.json").read_text())
    slack = ActionFile.load(ROOT / "misp_modules/modules/action_mod/slack_message.py")
    gate = ActionFile.load(ROOT / "misp_modules/modules/action_mod/publish_gate.py")
    for action, given in (
        (slack, {"destination": "chat"}),
        (slack, {"destination": EVIL}),
        (gate, {"forbidden_tags": "x*"}),
        (gate, {"condition": EVIL}),
    ):
        told = action.ask(json.dumps({"module": action.name, "params": given, "data": event}).encode())
        assert COMMANDING.search(str(told.get("error") or told["data"]["detail"])) is None
    (log,) = [*tmp_path.rglob("delivery.log")] or [None]
    assert log is None or COMMANDING.search(log.read_text()) is None


def test_what_loggers_are_told(caplog: pytest.LogCaptureFixture) -> None:
    logger("misp_workflow.action").warning("about %s", EVIL)
    assert COMMANDING.search(caplog.text) is None
    assert "\\u001b]0;PWN" in caplog.text
    assert params.LOG.filters == logger("misp_workflow.action").filters, "one filter, however often it is asked for"


def test_the_printable_form() -> None:
    assert printable("a\tb\nc ünïcode ☃ 👩‍💻") == "a\tb\nc ünïcode ☃ 👩‍💻"
    assert printable("\x1b[31m\x9b\ud800\u202e") == "\\u001b[31m\\u009b\\ud800\\u202e"
    assert json.loads(printable(json.dumps("\x9b\x7f\u202e", ensure_ascii=False))) == "\x9b\x7f\u202e"


LOGGERS = {
    "printable.py",
    "cli/__init__.py",  # sets a level
    "delivery/stix/conversion.py",  # these three quiet a library's
    "delivery/transports/notification.py",
    "delivery/transports/network/connections.py",
}


def test_nobody_writes_or_logs_past_the_printable_form() -> None:
    package = ROOT / "misp_workflow"
    for file in package.rglob("*.py"):
        source = file.read_text()
        if file.parent == package / "cli" and file.name != "screen.py":
            assert "click.echo(" not in source and "rich.console" not in source, file.name
        if "testing" not in file.parts and file.relative_to(package).as_posix() not in LOGGERS:
            assert "getLogger(" not in source, file.name
