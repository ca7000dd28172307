"""Where a connection may go, for every action: no metadata service by any name, no redirect to anybody else."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from leaks_kit import ADDRESS, World, ask, logged, settle, templates
from planted_secrets import CORE, leaks

from misp_workflow import settings
from misp_workflow.delivery.outbox import Entry, open_outbox
from misp_workflow.delivery.transports.network import foreign
from misp_workflow.testing import Receiver, answer, redirect
from misp_workflow.testing.contract import ActionFile

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

METADATA = (
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:FFFF:A9FE:A9FE]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "soc@169.254.169.254",
    "metadata.example",  # a name that the resolver knows as 169.254.169.254
    "rebinding.example",  # and one that has a good address beside it
)

_connected: list[str] = []


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        _connected.append(str(args[1][0]))


with foreign.checked():  # its hook looks first, so that ours sees what it lets through
    sys.addaudithook(_note)


@pytest.fixture
def connected() -> Iterator[list[str]]:
    """The addresses that this process has connected to, or tried to, since the test began."""
    _connected.clear()
    yield _connected


@pytest.fixture
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names that a stranger's name server gives addresses of this machine's own surroundings."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host not in ("metadata.example", "rebinding.example"):
            return real(host, port, *args, **more)
        bad = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))
        return [bad] if host == "metadata.example" else [good, bad]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def leads_somewhere(action: ActionFile) -> dict[str, dict[str, Any]]:
    """Return the parameters that say which server is spoken to."""
    return {
        name: spec
        for name, spec in action.params.items()
        if spec.get("format") == "url" or spec.get("address") or name in ("address", "service_url")
    }


SCHEMES = {
    "amqp_message": "amqp",
    "kafka_record": "kafka",
    "mqtt_message": "mqtt",
    "nats_message": "nats",
    "redis_stream": "redis",
}
"""What the address of an action begins with, where it is another one than tcp."""
STAYS_HERE = {"blocklist_file", "script_run"}
"""Actions that speak to nobody: they write to this machine's disk, or run a program of the operator's own."""


def elsewhere(action: ActionFile, host: str) -> dict[str, str]:
    """Return values that lead to the host, in the form of each such parameter."""
    scheme = SCHEMES.get(action.name, "tcp")
    forms = {"address": f"{scheme}://{{}}:80", "service_url": f"gotify://{{}}/{CORE}", "smtp_server": "{}"}
    found = {
        name: forms.get(name, f"http://{{}}/hook/{CORE}").format(host.strip("[]") if name == "smtp_server" else host)
        for name in leads_somewhere(action)
    }
    return {**found, "connect_to_proxy": "true"}


def another(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the body as of another moment, so that what comes of it is not taken for a repetition."""
    found: dict[str, Any] = json.loads(json.dumps(body))
    found["data"]["Event"] |= {"timestamp": str(1_800_000_000 + number), "info": f"number {number}"}
    found["data"]["Event"].setdefault("Attribute", []).append(ADDRESS)
    return found


def waiting() -> list[Entry]:
    """Return what is in the outbox, what died included."""
    box = open_outbox(settings.current())
    found = box.entries()
    box.close()
    return found


def changes_misp(action: ActionFile) -> bool:
    return not leads_somewhere(action) and not action.module.version()["config"]["blocking"]


@pytest.mark.usefixtures("_names")
def test_no_spelling_of_a_metadata_service_is_spoken_to(
    action: ActionFile, world: World, captures: dict[str, Any], rules: Callable[[str], None], connected: list[str]
):
    said = []
    for number, host in enumerate(METADATA):
        if changes_misp(action):
            rules(f'modules_url = "http://{host}"\n[misp]\nurl = "http://{host}"\nkey = "{world.misp.key}"\n')
        body = another(captures["event-publish"], number)
        params = world.params(action, selected_or_all="all", dry_run="false", **templates(action, '"hello"'))
        for name, value in elsewhere(action, host).items():
            if name in params:
                params[name] = value
        said.append(ask(action, body, params))
    settle()
    assert [address for address in connected if not address.startswith("127.")] == []
    assert [one for one in said if one.get("data", {}).get("status") == "delivered"] == []
    reasons = " ".join([one.get("error", "") for one in said] + [entry.reason for entry in waiting()])
    if not action.module.version()["config"]["blocking"] and action.name not in STAYS_HERE:
        assert "metadata" in reasons and "link-local" in reasons


REDIRECTS = (
    "http://169.254.169.254/latest/meta-data/",
    "//169.254.169.254/",
    "http://2852039166/",
    "http://[::ffff:169.254.169.254]/",
    "http://{host}:{port}@169.254.169.254/",
    "http://169.254.169.254#@{host}:{port}/",
    "http://169.254.169.254\\@{host}:{port}/",
    "http://{other}/",
    "//{other}/",
    "http://localhost:{other_port}/",
    "http://{host}:{port}@{other}/",
    "\thttp://{other}/",
    "https://{other}/",
    "ftp://{other}/",
    "file:///etc/passwd",
)


def test_no_redirect_leads_to_anybody_else(
    action: ActionFile,
    world: World,
    captures: dict[str, Any],
    connected: list[str],
    caplog: pytest.LogCaptureFixture,
):
    turns = iter(range(10**6))
    with Receiver() as other:
        names = {
            "host": world.receiver.host,
            "port": world.receiver.port,
            "other": f"{other.host}:{other.port}",
            "other_port": other.port,
        }

        def away(request: Any) -> Any:
            turn = next(turns)
            if request.path == "/modules":
                return answer([{"name": "example", "type": "expansion", "mispattributes": {"input": [], "format": ""}}])
            return redirect(REDIRECTS[turn % len(REDIRECTS)].format(**names), (302, 307, 301, 308, 303)[turn % 5])

        world.clear(away)
        said = []
        secrets = [name for name, spec in action.params.items() if spec.get("secret") and spec.get("format") != "url"]
        for number in range(len(REDIRECTS)):
            more = {"selected_or_all": "all", "method": ("GET", "POST")[number % 2], **templates(action, '"hello"')}
            said.append(ask(action, another(captures["event-publish"], number), world.params(action, *secrets, **more)))
        settle()
        assert other.requests == [] and other.connections == 0
    assert [address for address in connected if not address.startswith("127.")] == []
    assert leaks(logged(caplog)) == []
    if world.receiver.requests or world.misp.requests:
        assert [one for one in said if one.get("data", {}).get("status") == "delivered"] == []
        assert re.search("redirect|error=30", " ".join([*map(str, said), *(entry.reason for entry in waiting())]))
    elif not action.module.version()["config"]["blocking"]:
        assert not any(spec.get("format") == "url" for spec in action.params.values()), "nobody has been asked"
