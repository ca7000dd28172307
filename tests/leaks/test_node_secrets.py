"""Secrets of a node or a destination: they go to the other side, and nowhere else, whatever the other side says back."""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from leaks_kit import ACTION_FILES, ADDRESS, World, Written, ask, kept, logged, settle, shown, written
from planted_secrets import CORE, is_in, leaks

from misp_workflow.cli import main
from misp_workflow.effects import mask
from misp_workflow.runner.graph.build import workflow
from misp_workflow.testing import Answer, Received, answer
from misp_workflow.testing.contract import ActionFile, trouble_with

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

ODD = CORE + "\"<'>&%+/=\\"
"""A secret that every encoding writes in another way."""
SECRETIVE = [path for path in ACTION_FILES if '"secret": True' in path.read_text()]
TRIGGERS = ("event-publish", "attribute-after-save", "user-after-save", "sighting-after-save")


@pytest.fixture(params=SECRETIVE, ids=lambda path: path.stem)
def action(request: pytest.FixtureRequest) -> ActionFile:
    """Every action that has a secret."""
    return ActionFile.load(request.param)


def secrets_of(action: ActionFile, world: World, token: str) -> dict[str, str]:
    """Return a secret for every parameter that is declared to hold one."""
    return {
        name: _secret(name, spec, world, token)
        for name, spec in action.params.items()
        if spec.get("secret") or name == "service_url"
    }


def _secret(name: str, spec: dict[str, Any], world: World, token: str) -> str:
    web = world.receiver
    if spec.get("format") == "url":
        return f"http://soc:{CORE}p@{web.host}:{web.port}/hook/{CORE}-{name}/x?key={CORE}q"
    if name == "service_url":
        return f"gotify://soc:{CORE}p@{web.host}:{web.port}/{CORE}-{name}"
    if spec.get("type") == "large_string":  # headers, settings of a module: one a line
        return f"X-Canary: {token}\nX-Other: {CORE}"
    return f"{token}-{name}"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("a", "a bad answer, said a", "*** bad answer, said ***"),
        ("a", "https://x.example/hook/a?key=a", "https://x.example/hook/***?key=***"),
        ("ab1", '{"token": "ab1", "cab12": "ab1x"}', '{"token": "***", "cab12": "ab1x"}'),
        ("ab1", "Bearer=ab1; Bearer ab1.", "Bearer=***; Bearer ***."),
        (".", 'It said ".", twice.', 'It said "***", twice.'),
        ("s", "it's", "it'***"),
        ("abcde", "xabcdex", "x***x"),
    ],
)
def test_a_very_short_secret_is_hidden_where_it_stands_alone(secret: str, text: str, shown: str) -> None:
    assert mask(text, [secret]) == shown


# --- another side that quotes ---------------------------------------------------------------------------------------


def _error_paths() -> list[str]:
    """Where the actions look for the other side's own words, as their files say."""
    return sorted(
        {path for file in ACTION_FILES for path in re.findall(r'error_at"?[=:]\s*"([^"]+)"', file.read_text())}
    )


def _with_words(words: str) -> Any:
    """Return an answer in JSON that says the words wherever any action looks for them."""
    said: dict[str, Any] = {"ok": False, "result": "error", "error": words}
    for path in _error_paths():
        *steps, last = path.split(".")
        if last.isdigit():
            said[steps[-1]] = [words]
            continue
        place = said
        for step in steps:
            place[step] = place[step] if isinstance(place.get(step), dict) else {}
            place = place[step]
        place.setdefault(last, words)
    return said


class Quoting:
    """Answers every request with what stands around the secrets in it, each time in another way."""

    STATUSES = (401, 429, 200, 400, 500)

    def __init__(self) -> None:
        self.turns = itertools.count()
        self.quoted = 0

    def __call__(self, request: Received) -> Answer:
        if request.path == "/modules":
            return answer([{"name": "example", "type": "expansion", "mispattributes": {"input": [], "format": ""}}])
        turn = next(self.turns)
        parts = list(self._around(request))
        self.quoted += len(parts)
        status = self.STATUSES[turn // 3 % len(self.STATUSES)]
        words = parts[turn % len(parts)] if parts else "no"
        if turn % 3 == 0:
            return answer(words[:190], status, {"Content-Type": "text/plain"})
        if turn % 3 == 1:
            return answer(_with_words(f"wrong credentials: {words}"), status)
        return answer(_with_words(f"{'x' * (185 - words.find(CORE))}{words}"), status)  # the secret lies across the cut

    @staticmethod
    def _around(request: Received) -> Iterator[str]:
        """Yield the request's headers and the parts of its body in which the secret stands, as they stand there."""
        lines = request.head.decode("latin-1").split("\r\n")
        body = request.body.decode("utf-8", "replace")
        for found in re.finditer(CORE, body):
            lines.append(body[max(found.start() - 20, 0) : found.end() + 70])
        yield from (line for line in lines if is_in(line.encode()))


@pytest.fixture
def quoting(world: World) -> Quoting:
    found = Quoting()
    world.clear(found)
    return found


Turns = dict[tuple[str, int], Written]


@pytest.fixture(scope="session")
def turns(captures: dict[str, Any]) -> Turns:
    """A body for every trigger, as often as it is asked for: no request is the same as one before."""
    found = {}
    for trigger, turn in itertools.product(TRIGGERS, range(4)):
        body = json.loads(json.dumps(captures[trigger]).replace('"info": "', f'"info": "{turn}'))
        if trigger == "event-publish":
            body["data"]["Event"]["Attribute"].append(ADDRESS)
        found[trigger, turn] = written(body)
    return found


def asked(action: ActionFile, turns: Turns, params: dict[str, str]) -> list[tuple[str, Any]]:
    """Ask for every trigger, in each way to deliver; return all answers."""
    answers = []
    for (trigger, turn), body in turns.items():
        ways: dict[str, str] = {
            "selected_or_all": "all",
            "username": ("soc", "")[turn % 2],
            "delivery": ("wait", "queue")[turn == 3],
        }
        known = {name: value for name, value in ways.items() if name in action.params}
        answers.append((trigger, ask(action, body, params | known)))
    settle()
    return answers


def check(answers: list[tuple[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    assert [trouble for _, said in answers if (trouble := trouble_with(said))] == []
    told = [(f"answer to {trigger}", json.dumps(said, ensure_ascii=False).encode()) for trigger, said in answers]
    assert leaks([*told, *logged(caplog), *kept().items(), *shown()]) == []


@pytest.mark.parametrize("token", [CORE, ODD], ids=["plain", "odd"])
def test_a_nodes_secrets_stay_where_they_are(
    token: str,
    action: ActionFile,
    world: World,
    quoting: Quoting,
    turns: Turns,
    caplog: pytest.LogCaptureFixture,
):
    secrets = secrets_of(action, world, token)
    world.mail.replies["DATA"] = f"554 you said {secrets.get('password')} to me"
    with caplog.at_level(logging.DEBUG):
        answers = asked(action, turns, world.params(action) | secrets)
    check(answers, caplog)
    if any(spec.get("format") == "url" for spec in action.params.values()):
        assert quoting.quoted, "the secret has not even been sent"


def test_a_destinations_secrets_stay_where_they_are(
    action: ActionFile,
    world: World,
    quoting: Quoting,
    turns: Turns,
    caplog: pytest.LogCaptureFixture,
    rules: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
):
    """The node names the destination only; the secrets stand in the environment."""
    secrets = secrets_of(action, world, ODD)
    world.mail.replies["DATA"] = f"554 you said {secrets.get('password')} to me"
    lines = []
    for name, value in (world.params(action) | secrets).items():
        if name in secrets:
            monkeypatch.setenv(f"LEAKS_{name}", value)
            lines.append(f'{name} = "env:LEAKS_{name}"')
        elif value:
            lines.append(f"{name} = {json.dumps(value)}")
    monkeypatch.setattr(world.misp, "key", f"{CORE}OfMisp")
    rules(world.settings("\n".join(["[destinations.soc.parameters]", *lines])))
    with caplog.at_level(logging.DEBUG):
        answers = asked(action, turns, dict.fromkeys(action.params, "") | {"destination": "soc"})
    check(answers, caplog)


# --- the runner -----------------------------------------------------------------------------------------------------

OWN = {
    "webhook": {
        "url": f"https://soc:{CORE}p@example.org/hook/{CORE}",
        "headers": f"Authorization: {CORE}",
        "content_type": "json",
        "payload": "",
    },
    "telegram-send-alert": {"bot_token": CORE, "chat_id": "1", "message_body_template": "x"},
    "splunk-hec-export": {"url": f"https://example.org/{CORE}", "hec_token": CORE, "source_type": "x"},
    "ms-teams-webhook": {"url": f"https://example.org/{CORE}", "message_body_template": "x"},
}
"""MISP's own nodes that hold secrets."""


@pytest.fixture
def file(world: World, quoting: Quoting, tmp_path: Path) -> str:
    """A workflow with a node for each action that has a secret, and for MISP's own."""
    nodes: dict[int, Any] = {}
    world.mail.replies["DATA"] = f"554 you said {ODD}-password to me"
    for path in SECRETIVE:
        action = ActionFile.load(path)
        nodes[len(nodes) + 2] = (action.name, world.params(action) | secrets_of(action, world, ODD))
    nodes |= {len(nodes) + 2 + place: own for place, own in enumerate(OWN.items())}
    made = tmp_path / "workflow.json"
    made.write_text(json.dumps(workflow("secrets", "event-publish", nodes, [(1, node) for node in nodes])))
    return str(made)


def test_no_report_of_a_run_tells_a_nodes_secret(
    file: str, captures: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    event, page = tmp_path / "event.json", tmp_path / "run.html"
    event.write_text(json.dumps(captures["event-publish"]["data"]))
    said = {}
    with caplog.at_level(logging.DEBUG):
        for name, command in {
            "run": ["run", file, "--event", str(event)],
            "run --json": ["run", file, "--event", str(event), "--json", "--html", str(page)],
            "check": ["check", file],
            "check --json": ["check", file, "--json"],
            "faults": ["faults", file, "--event", str(event)],
            "faults --json": ["faults", file, "--event", str(event), "--json"],
        }.items():
            done = CliRunner().invoke(main, command, env={"COLUMNS": "400"})
            assert done.exit_code in (0, 1), done.output
            said[name] = done.output.encode()
    settle()
    said["page"] = page.read_bytes()
    assert b"slack_message" in said["page"] and b"slack_message" in said["run --json"]
    assert leaks([*said.items(), *logged(caplog), *kept().items(), *shown()]) == []


def test_no_report_of_a_run_tells_the_secrets_of_its_data(captures: dict[str, Any], tmp_path: Path):
    event, page, made = tmp_path / "event.json", tmp_path / "run.html", tmp_path / "workflow.json"
    data = {
        **captures["user-after-save"]["data"],
        "password": CORE,
        "authkey": CORE,
        "confirm_password": CORE,
        "salt": CORE,
    }
    event.write_text(json.dumps(data))
    made.write_text(
        json.dumps(workflow("users", "user-after-save", {2: ("http_request", {"url": "http://127.0.0.1:9"})}, [(1, 2)]))
    )
    done = CliRunner().invoke(main, ["run", str(made), "--event", str(event), "--json", "--html", str(page)])
    assert leaks({"json": done.output.encode(), "page": page.read_bytes()}) == []
