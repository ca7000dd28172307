"""The example that watches MISP's log, run on a storm of entries through the real misp-modules server."""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import HttpServer, LocalServer
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.server import MispModulesServer

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"
OWN_USER = "misp-workflow@example.org"
SETTINGS = """
[destinations.watch]
digest = {digest}
[destinations.watch.parameters]
webhook_url = "{url}/hook"
"""
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def workflow() -> Workflow:
    return load((ROOT / "examples" / "workflows" / "watch-logins-and-roles.json").read_bytes())


@pytest.fixture
def entry(captures) -> Entry:
    """Return what MISP hands over for one entry of its log, with these fields."""

    def make(number: int, **fields: str | None) -> dict[str, Any]:
        log = copy.deepcopy(captures["log-after-save"]["data"]["Log"])
        return {"Log": {**log, "id": str(number), **fields}}

    return make


@pytest.fixture
def settings(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    def write(digest: int) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(SETTINGS.format(digest=digest, url=receiver.url))
        path.chmod(0o600)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(path))
        return path

    receiver.always(answer("ok"))
    return write


def failed(entry: Entry, number: int, who: str) -> dict[str, Any]:
    title = f"Failed login attempt using username {who}"
    return entry(number, action="login_fail", title=title, change=None, email="SYSTEM", ip="192.0.2.7")


TOLD = [
    (
        {"action": "login_fail", "title": "Failed login attempt using username eve"},
        "Failed login: Failed login attempt",
    ),
    ({"action": "auth_fail", "title": "Failed authentication using API key"}, "Failed login: Failed authentication"),
    ({"title": "User (7): eve", "change": "role_id (3) => (1), change_pw (1) => (0)"}, "Changed role: User (7): eve:"),
    ({"model": "Role", "title": "Role (9): analyst", "change": "perm_admin (0) => (1)"}, "Changed role: Role (9)"),
]
UNTOLD = [
    {"title": "User (7): eve", "change": "change_pw (1) => (0)"},
    {"action": "login", "title": "User (7): eve", "change": None},
    {"model": "Event", "action": "publish", "title": "Event (1): x", "change": None},
    {"model": "Workflow", "action": "execute_workflow", "title": "Workflow (1)", "change": None},
    {"model": "User", "change": "role_id (3) => (1)", "email": OWN_USER},
]


@pytest.mark.parametrize(("fields", "beginning"), TOLD, ids=lambda it: str(it)[:30])
def test_what_is_told(fields, beginning, workflow, entry: Entry, settings, receiver: Receiver) -> None:
    settings(0)
    assert run(workflow, entry(1, **fields), LocalServer([ACTIONS])).success
    (request,) = receiver.requests
    assert request.json()["text"].replace("\\", "").startswith(beginning)


@pytest.mark.parametrize("fields", UNTOLD, ids=lambda it: str(it)[:40])
def test_what_is_not(fields, workflow, entry: Entry, settings, receiver: Receiver) -> None:
    settings(0)
    assert run(workflow, entry(1, **fields), LocalServer([ACTIONS])).success
    assert not receiver.requests


NAMES = [f"user-{number:02}" for number in range(40)]
STORM = 1000


def storm(entry: Entry) -> Iterator[dict[str, Any]]:
    """Yield 750 failed logins, 10 changed roles, and what nobody wants to hear of, all mixed."""
    for number in range(STORM):
        if number % 4:
            yield failed(entry, number, NAMES[number % len(NAMES)])
        elif number % 100 == 0:
            yield entry(number, title=f"User ({number}): changed", change="role_id (3) => (1)")
        elif number % 8:
            yield entry(number, email=OWN_USER, change="role_id (3) => (1)")
        else:
            yield entry(number, model="Attribute", action="add", title="Attribute", change=None)


@pytest.mark.server
@pytest.mark.waits
def test_a_storm_is_a_few_messages_that_name_whom_they_are_about(
    workflow, entry: Entry, settings, receiver: Receiver, tmp_path: Path
) -> None:
    pytest.importorskip("misp_modules", reason="misp-modules is not installed")
    environment = {"MISP_WORKFLOW_CONFIG": str(settings(5)), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
    entries = list(storm(entry))
    wanted = Counter(
        "Failed login" if one["Log"]["action"] == "login_fail" else "Changed role"
        for one in entries
        if one["Log"]["action"] == "login_fail" or "changed" in one["Log"]["title"]
    )
    with MispModulesServer(environment=environment) as server, ThreadPoolExecutor(8) as pool:
        there = HttpServer(server.url)
        known = catalogue.load(there, World())
        done = list(pool.map(lambda data: run(workflow, data, there, modules=known), entries))
        assert all(one.success for one in done)
        end = time.monotonic() + 120
        while sum(told(receiver).values()) < sum(wanted.values()):
            assert time.monotonic() < end, told(receiver)
            time.sleep(0.1)
    assert told(receiver) == wanted, "nothing is lost, nothing is told twice, and none of our own"
    texts = [request.json()["text"].replace("\\", "") for request in receiver.requests]
    assert len(texts) < STORM / 50
    named = "\n".join(texts)
    assert [name for name in NAMES if name in named] == [NAMES[n] for n in range(len(NAMES)) if n % 4]
    assert max(map(len, texts)) <= 16_383


LINE = re.compile(r"^(?:(\d+) × )?(Failed login|Changed role)", re.MULTILINE)


def told(receiver: Receiver) -> Counter[str]:
    """Return how many of each the messages tell of, by the numbers that stand before their members."""
    found: Counter[str] = Counter()
    for request in receiver.requests:
        text = request.json()["text"].replace("\\", "")
        for number, what in LINE.findall(text):
            found[what] += int(number or 1)
        assert "more that do not fit" not in text
    return found


def test_what_does_not_fit_is_counted(workflow, entry: Entry, settings, receiver: Receiver) -> None:
    settings(600)
    here = LocalServer([ACTIONS])
    known = catalogue.load(here, World())
    for number in range(400):
        assert run(workflow, failed(entry, number, f"{'x' * 60}-{number}"), here, modules=known).success
    assert CliRunner().invoke(main, ["outbox", "retry", "--all"]).exit_code == 0
    end = time.monotonic() + 60
    while not receiver.requests:
        assert time.monotonic() < end
        time.sleep(0.05)
    text = receiver.requests[0].json()["text"].replace("\\", "")
    number = int(text.split()[0])
    shown = text.count("Failed login:")
    assert number == 400 and 20 < shown < 400
    assert text.endswith(f"… and {number - shown} more that do not fit here")
