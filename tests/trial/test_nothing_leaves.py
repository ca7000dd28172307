"""In a trial every action decides, and nothing is sent, asked, written or remembered."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from misp_workflow.delivery import deliver
from misp_workflow.delivery.trial import current, trial
from misp_workflow.effects import Parcel, Post
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.testing import Receiver
from misp_workflow.testing.workflows import ACTIONS
from misp_workflow.trial.server import TrialServer

HERE = Path(__file__).parent
CASES = sorted((HERE.parent / "actions").glob("*/*.json"))
CAPTURES = HERE.parent / "captures"
GATES = {path.stem for path in ACTIONS.glob("*_gate.py")} | {"enrichment_guard"}
SENTINEL = dict.fromkeys(("tenant_id", "client_id", "client_secret", "workspace_id"), "x" * 16)
SENTINEL |= {"server_url": "{receiver}", "login_url": "{receiver}"}
TAXII = {"api_root": "{receiver}/api", "collection": "misp", "token": "x" * 16}
UNCASED = (
    ("zmq_message", {"params": {"topic": "misp", "items": "all"}, "data": "event-publish"}),
    ("syslog_event", {"params": {"address": "tcp://{receiver_host}", "items": "all"}, "data": "event-publish"}),
    ("taxii_objects", {"params": {**TAXII, "selected_or_all": "all"}, "data": "event-publish"}),
    ("sentinel_indicator", {"params": {**SENTINEL, "selected_or_all": "all"}, "data": "event-publish"}),
)
"""Of actions whose cases are elsewhere, as their other side is no web server, or needs a library."""

EVENT = {"id": "1", "uuid": "c9b9e7cc-0e4c-4a0b-a5f0-8f6c4e9b3a11", "info": "x", "Tag": [{"name": "tlp:green"}]}


@pytest.fixture(scope="module")
def server() -> TrialServer:
    return TrialServer([ACTIONS])


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")
def test_every_action_is_heard_by_nobody(receiver, server, tmp_path, monkeypatch) -> None:
    state, settings = tmp_path / "state", tmp_path / "settings.toml"
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(state))
    monkeypatch.setenv("HOME", str(tmp_path))
    noted: Counter[str] = Counter()
    with socket.create_server((receiver.host, 0)) as mail:
        mail.settimeout(0.2)
        for action, case in [*((file.parent.name, json.loads(file.read_text())) for file in CASES), *UNCASED]:
            text = case.get("settings", "").replace("{receiver}", receiver.url).replace("{folder}", str(tmp_path))
            settings.write_text(text)
            settings.chmod(0o600)
            monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
            body = filled(case, action, receiver, mail.getsockname())
            answer = server.query(action, body, 30)
            assert "error" in json.loads(answer.body) or "data" in json.loads(answer.body)
            noted[action] += len(server.take())
        with pytest.raises(TimeoutError):
            mail.accept()
    assert receiver.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]
    silent = {path.stem for path in ACTIONS.glob("*.py")} - GATES - set(+noted)
    assert not silent, f"nothing was noted for {silent}, so this shows nothing of them"


def filled(case, action: str, receiver: Receiver, mail: tuple[str, int]) -> bytes:
    data = case["data"]
    if isinstance(data, str):
        data = json.loads((CAPTURES / f"{data}.json").read_text())["data"]
    request = {"module": action, "data": data, "params": case.get("params", {})}
    if "selected" in case:
        request["filteredItems"] = data if case["selected"] == "data" else case["selected"]
    text = json.dumps(request)
    for name, value in (("receiver", receiver.url), ("receiver_host", f"{receiver.host}:{receiver.port}"),
                        ("mail_host", mail[0]), ("mail_port", str(mail[1]))):  # fmt: skip
        text = text.replace(f"{{{name}}}", value)
    return text.encode()


def message(receiver: Receiver) -> Parcel:
    return Parcel(key="k", effect=Post(url=receiver.url, label="a message"), action="x", created=0.0)


def test_threads_of_others_are_dry_too_while_it_is_open(receiver) -> None:
    receipts: list[str] = []

    def other() -> None:
        receipts.extend(one.status for one in deliver.deliver([message(receiver)]))

    with trial() as noted:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert (receipts, len(noted), receiver.requests) == (["dry-run"], 1, [])
    assert current() is None


def test_an_action_that_outlives_its_trial_stays_dry(receiver, tmp_path) -> None:
    """It was given up after its time-out; the thread runs on, when the trial is long over."""
    (tmp_path / "late.py").write_text(
        "import pathlib, time\n"
        "from misp_workflow.delivery import deliver\n"
        "from misp_workflow.effects import Parcel, Post\n"
        "def introspection(): return {}\n"
        "def version(): return {'module-type': ['action']}\n"
        "def dict_handler(request):\n"
        "    time.sleep(0.4)\n"
        "    parcel = Parcel(key='k', effect=Post(url=request['url']), action='x', created=0.0)\n"
        "    pathlib.Path(request['done']).write_text(deliver.deliver([parcel])[0].status)\n"
    )
    done = tmp_path / "done"
    body = json.dumps({"url": receiver.url, "done": str(done)}).encode()
    server = TrialServer([tmp_path])
    with pytest.raises(Exception, match="did not answer"):
        server.query("late", body, 0.05)
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread() and "asking" in thread.name:
            thread.join(5)
    assert done.read_text() == "dry-run"
    assert receiver.requests == []


def test_without_a_trial_it_is_sent(receiver, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path))
    params = {"webhook_url": receiver.url + "/hook", "message": "hello"}
    body = json.dumps({"module": "slack_message", "data": {"Event": EVENT}, "params": params}).encode()
    LocalServer([ACTIONS]).query("slack_message", body, 30)
    receiver.wait_for(1)
