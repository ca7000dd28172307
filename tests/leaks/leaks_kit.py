"""What the tests of leaks share: the sample values of an action's parameters, and everybody to whom an action can speak."""

from __future__ import annotations

import email.policy
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow import settings
from misp_workflow.cli.commands import metrics, outbox
from misp_workflow.delivery.outbox import open_outbox
from misp_workflow.testing import Answer, Received, Receiver, answer, free_port
from misp_workflow.testing.contract import ActionFile, sample_params
from misp_workflow.testing.mail import MailServer
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.testing.misp.memory import Memory

ACTION_FILES = sorted((Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod").glob("*.py"))

ADDRESS = {"uuid": "00000000-0000-4000-8000-000000000001", "type": "ip-dst", "value": "8.8.8.8", "to_ids": True}
"""What an action that takes addresses only can say something of: the captured one is TLP:RED."""


# --- everybody to whom an action can speak ----------------------------------------------------------------------------


IDS = dict.fromkeys(("id", "name", "event_id"), "1")


def scheme_of_a_broker(action: ActionFile) -> str:
    """Return the scheme of the address that an action publishes records to, "" for any other action.

    Nobody plays a broker here: the answer to a dry run says what it would get.
    """
    found = re.search(r" such as (\w+)://", action.params.get("address", {}).get("description", ""))
    return found[1] if found and found[1] != "tcp" else ""


class World:
    """A web server, a mail server, a MISP and a subscriber; a context manager. Every action's sample values lead here."""

    def __init__(self) -> None:
        self.receiver, self.misp = Receiver(), MispStandIn()
        self.mail = MailServer()
        self.stream = f"tcp://127.0.0.1:{free_port()}"
        self._subscriber: Any = None
        self._streamed: list[bytes] = []
        self._mails_before = 0

    def __enter__(self) -> World:
        self.receiver.__enter__()
        self.misp.__enter__()
        self.mail.__enter__()
        try:
            import zmq
        except ImportError:  # an extra: then its action says so
            return self
        self._subscriber = zmq.Context.instance().socket(zmq.SUB)
        self._subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        self._subscriber.setsockopt(zmq.RCVHWM, 0)
        self._subscriber.connect(self.stream)
        return self

    def __exit__(self, *_: Any) -> None:
        for peer in (self.receiver, self.misp):
            peer.stop()
        self.mail.__exit__(None, None, None)
        if self._subscriber is not None:
            from misp_workflow.delivery.transports import stream

            self._subscriber.close(0)
            for publisher in stream._publishers.values():
                publisher.socket.close(0)
            stream._publishers.clear()

    def remember(self, captures: Mapping[str, Any]) -> None:
        """Let MISP know the events that it sent, and nothing else."""
        Memory.__init__(self.misp, self.misp.exclusive)
        for body in captures.values():
            event = body["data"].get("Event") or {}
            if event.get("uuid") and event.get("info"):
                self.misp.add_event(event)

    def clear(self, otherwise: Answer | Callable[[Received], Answer] | None = None, mail: str = "250 OK") -> None:
        """Forget what came. `otherwise` is what everybody on the web answers from now on, `mail` the reply to a mail."""
        self.receiver.clear()
        self.misp.clear()
        self.receiver.always(otherwise or self._yes)
        self.misp.always(otherwise or self.misp._respond)
        self.mail.replies["DATA"] = mail
        self._mails_before = len(self.mail.mails)
        self._listen()
        self._streamed.clear()

    @staticmethod
    def _yes(request: Received) -> Answer:
        if request.path == "/modules":  # this is misp-modules, too, for the action that asks an expansion
            takes = {"input": [], "output": [], "format": ""}
            return answer([{"name": "example", "type": "expansion", "mispattributes": takes}])
        if b'"unfurl_links"' in request.body and not request.path.endswith("chat.postMessage"):
            return answer("ok")  # Slack's webhooks say no more than that
        return answer({"ok": True, "success": True, "result": "success", "status": "success", "results": [], **IDS})

    def settings(self, more: str = "") -> str:
        """Return the text of settings that know this MISP and misp-modules; `more` are further tables."""
        here = f'modules_url = "{self.receiver.url}"\n[misp]\nurl = "{self.misp.url}"\nkey = "{self.misp.key}"\n'
        return f"{here}{more}\n"

    def params(self, action: ActionFile, *also: str, **more: str) -> dict[str, str]:
        """Return the action's parameters as MISP sends them, all addresses leading here; see `sample_params`."""
        found = sample_params(action, self.receiver.url, *also)
        for name, value in {**more, **self.known_values()}.items():
            if name in found:
                found[name] = value
        if action.name == "syslog_event":  # over TCP it would find nobody
            found["address"] = f"udp://{self.receiver.host}:{self.receiver.port}"
        if scheme := scheme_of_a_broker(action):
            found |= {"address": f"{scheme}://127.0.0.1:1", "dry_run": more.get("dry_run", "true")}
        return found

    def known_values(self) -> dict[str, str]:
        """Return what no sample can be made of from a parameter's declaration alone, by the parameter's name."""
        return {
            "recipients": "soc@example.org",
            "sender": "MISP <misp@example.org>",
            "smtp_server": self.mail.host,
            "smtp_port": str(self.mail.port),
            "smtp_security": "none",
            "address": self.stream,
            "service_url": f"gotify://{self.receiver.host}:{self.receiver.port}/canary-service_url-5bf1",
            "warninglists": "*",
        }

    def heard(self) -> int:
        """Return how much has come since `clear`, but for what MISP was asked."""
        return len(self.receiver.requests) + len(self.mails()) + len(self._streamed)

    def mails(self) -> list[Any]:
        """Return the mails that came since `clear`."""
        return self.mail.mails[self._mails_before :]

    def streamed(self) -> list[bytes]:
        """Return what was published since `clear`."""
        self._listen()
        return list(self._streamed)

    def wait_for_stream(self, seconds: float = 60.0) -> None:
        """Wait until something was published."""
        if self._subscriber is not None and not self._streamed:
            self._subscriber.poll(int(seconds * 1000))

    def _listen(self) -> None:
        while self._subscriber is not None and self._subscriber.poll(0):
            self._streamed += self._subscriber.recv_multipart()

    def arrived(self) -> Iterator[tuple[str, bytes]]:
        """Yield (where, content) of everything that came since `clear`; of mails every decoded part as well."""
        for name, peer in (("web", self.receiver), ("misp", self.misp)):
            for request in peer.requests:
                yield f"{name} {request.method} {request.target}", request.head + request.body
        for mail in self.mails():
            yield "mail", mail.content
            message = message_from_bytes(mail.content, policy=email.policy.default)
            yield "mail, headers", "\n".join(f"{name}: {value}" for name, value in message.items()).encode()
            for part in message.walk():
                yield f"mail, {part.get_content_type()}", part.get_payload(decode=True) or b""
        for content in self.streamed():
            yield "stream", content


def settle(seconds: float = 300.0) -> None:
    """Wait until the background has sent what it can; what waits for its next try may wait on."""
    box, end = open_outbox(settings.current()), time.monotonic() + seconds
    while any(one.state == "sending" or (one.state == "waiting" and not one.tries) for one in box.entries()):
        assert time.monotonic() < end, f"the outbox does not come to rest: {[one.reason for one in box.entries()][:3]}"
        time.sleep(0.02)
    box.close()


# --- what stays here --------------------------------------------------------------------------------------------------


def kept() -> dict[str, bytes]:
    """Return the files of the state folder: the outbox and its journal, the delivery log, marks. Not the key."""
    folder = settings.current().state_folder
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file() and path.name != "outbox.key"}


def shown() -> Iterator[tuple[str, bytes]]:
    """Yield what the command line shows of the outbox: the list, each effect whole, the numbers."""
    run = CliRunner().invoke
    listed = run(outbox.command, ["--json"])
    yield "outbox --json", listed.output.encode()
    yield "outbox", run(outbox.command, ["list"]).output.encode()
    yield "metrics", run(metrics.command, []).output.encode()
    entries = json.loads(listed.output)
    for entry in entries:
        one = run(outbox.command, ["show", entry["key"], "--json"])
        if "Nothing in the outbox has the id" in str(one.exception):
            continue  # a worker has ended it meanwhile
        assert one.exit_code == 0, (one.output, one.exception)
        yield f"outbox show {entry['label']}", one.output.encode()
    for entry in entries[:2]:
        yield f"outbox show {entry['label']}, for people", run(outbox.command, ["show", entry["key"]]).output.encode()


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, bytes]]:
    """Return every record of the log, tracebacks included; not those of the servers that play the other side."""
    write = logging.Formatter("%(name)s %(message)s").format
    servers = ("mail.", "asyncio")
    return [
        (f"log of {record.name}", f"{write(record)} {record.args!r}".encode("utf-8", "replace"))
        for record in caplog.records
        if not record.name.startswith(servers)
    ]


# --- asking -----------------------------------------------------------------------------------------------------------

DUMP = '"{{ data }} {% for row in attributes()[:1] %}{{ row }}{% endfor %} {{ user }} {{ log }} {{ summary.title }} {{ summary.facts }}"'
"""Everything that a template can reach; in quotes, so that it is JSON where JSON is asked for."""
MOST_VARIANTS = 3


def variants(action: ActionFile) -> Iterator[dict[str, str]]:
    """Yield parameters beyond the sample ones: none; then the other choices, with templates that tell everything."""
    yield {}
    choices = {name: spec["choices"] for name, spec in action.params.items() if spec.get("format") == "choice"}
    most = max([len(listed) for listed in choices.values()], default=1)
    for turn in range(1, min(max(most, 2), MOST_VARIANTS)):
        more = {name: str(listed[min(turn, len(listed) - 1)]) for name, listed in choices.items()}
        yield {
            **more,
            **templates(action, DUMP),
            **({"selected_or_all": "all"} if "selected_or_all" in choices else {}),
        }


LINES_WITH_NAMES = {"headers": "X-Told", "custom_fields": "7"}  # a further field of Redmine's has a number


def templates(action: ActionFile, source: str) -> dict[str, str]:
    """Return `source` for every parameter that is a template, in the form that the parameter asks for."""
    found = {}
    for name, spec in action.params.items():
        if not spec.get("template") or spec.get("format") == "url":
            continue
        is_condition = "expression" in spec["description"].lower()
        found[name] = (
            "data" if is_condition else f"{LINES_WITH_NAMES[name]}: {source}" if name in LINES_WITH_NAMES else source
        )
    return found


class Written(bytes):
    """What a body holds beside module and params, as the middle of an object in JSON: written once for all actions."""


def written(body: Mapping[str, Any]) -> Written:
    return Written(json.dumps({name: body[name] for name in body.keys() - {"module", "params"}}).encode()[1:-1])


def ask(action: ActionFile, body: Mapping[str, Any] | Written, params: Mapping[str, str]) -> Any:
    """Return the action's answer to a captured body."""
    node = json.dumps({"module": action.name, "params": dict(params)}).encode()
    return action.ask(b"".join((node[:-1], b",", body if isinstance(body, Written) else written(body), b"}")))
