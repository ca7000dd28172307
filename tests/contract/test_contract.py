"""What each action file must keep to, whatever it does. One file of rules: misp_workflow/testing/contract.py."""

from __future__ import annotations

import importlib.util
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing import CLOSE, Receiver, answer, free_port
from misp_workflow.testing.contract import (
    CHECKS,
    ActionFile,
    canary,
    check_hostile_requests,
    sample_params,
    trouble_with,
)
from misp_workflow.testing.hostile import requests, spellings
from misp_workflow.testing.importing import import_report

DOCS = Path(__file__).resolve().parents[2] / "docs" / "actions"
# A load of an action file of ours defines a table and three functions, as upstream's plain one does; the slack is for
# noise on microseconds. Work at import (a template compiled, a list read) is beyond it by far.
TIMES_PLAIN = 100  # a long table of parameters is compiled here, upstream's file was when it was installed


def test_there_are_actions(action_files: list[Path]):
    assert action_files


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_keeps_to(check, action: ActionFile):
    assert list(check(action)) == []


def test_survives_hostile_requests(action: ActionFile):
    assert list(check_hostile_requests(action)) == []


def test_importing_does_nothing_and_is_fast(action_files: list[Path]):
    upstream = importlib.util.find_spec("misp_modules.modules.action_mod.testaction")
    report = import_report(Path(upstream.origin), action_files)
    assert {name: entry["did"] for name, entry in report.items() if entry.get("did")} == {}
    slow = {name: entry["times_plain"] for name, entry in report.items() if entry.get("times_plain", 0) > TIMES_PLAIN}
    assert slow == {}
    assert report["pack"]["times_pymisp"] <= 1


def test_nothing_filled_in_is_answered_politely(action: ActionFile, captures: dict[str, Any]):
    required = [name for name, spec in action.params.items() if spec.get("required")]
    for trigger, body in captures.items():
        for params in (dict.fromkeys(action.params, ""), []):
            reply = action.ask(json.dumps({"module": action.name, "data": body["data"], "params": params}).encode())
            assert trouble_with(reply) == "", trigger
            assert all(name in reply["error"] for name in required), reply


def test_a_parameter_of_another_version_is_ignored_and_logged(action: ActionFile, receiver: Receiver, captures, caplog):
    params = sample_params(action, receiver.url)
    request = {"module": action.name, "data": captures["event-publish"]["data"], "params": params}
    with caplog.at_level(logging.DEBUG):
        plain = action.ask(json.dumps(request).encode())
        assert "left_over" not in caplog.text
        request["params"] = {**params, "left_over": "x"}
        refused = {"error"} if any(spec.get("rule") for spec in action.params.values()) else plain.keys()
        assert action.ask(json.dumps(request).encode()).keys() == refused, "a gate may have lost a rule"
    assert "left_over" in caplog.text


def test_filtered_items_read_the_same_as_list_and_as_object(
    action: ActionFile, receiver: Receiver, captures, tmp_path: Path, monkeypatch
):
    """MISP sends an object with holes when the matching positions have gaps; what is sent on may not depend on that."""
    capture = captures["variant-filter-match"]
    chosen = capture["filteredItems"]
    items = list(chosen.values()) if isinstance(chosen, dict) else chosen
    body = {**capture, "module": action.name, "params": sample_params(action, receiver.url)}
    sent = []
    for form in (items, {str(2 * index): item for index, item in enumerate(items)}):
        # An outbox of its own for each, or the second would be skipped as sent already.
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / str(len(sent))))
        reply = action.ask(json.dumps({**body, "filteredItems": form}).encode())
        # Some say when they were asked, and a second may end between the two.
        bodies = [re.sub(rb"\b\d{10}\b|\d\d:\d\d:\d\dZ", b"now", request.body) for request in receiver.requests]
        sent.append((reply.keys(), bodies))
        receiver.clear()
    assert sent[0] == sent[1]


def test_every_parameter_is_documented(action: ActionFile):
    page = DOCS / f"{action.name}.md"
    assert page.is_file(), f"docs/actions/{action.name}.md is missing"
    text = page.read_text()
    assert [name for name in action.params if f"`{name}`" not in text] == []


def test_documentation_names_no_other_parameter(action: ActionFile):
    """A row of the parameter table that no code reads would mislead."""
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / f"{action.name}.md").read_text(), re.MULTILINE)
    assert set(rows) <= set(action.params)


def _echo(request):
    """An error answer that repeats everything it was sent, as careless servers do."""
    return answer({"ok": False, "error": (request.head + request.body).decode("latin-1")}, status=400)


def _quote(request):
    """An error answer that repeats only the ends of things: of the path, of each header's value."""
    ends = [request.path.rpartition("/")[2], *(value.split()[-1] for _, value in request.headers if value)]
    return answer({"ok": False, "error": " ".join(sorted(ends, key=lambda end: "canary" not in end))}, status=403)


def _with_secret(action: ActionFile, name: str, url: str) -> list[dict[str, str]]:
    """Parameters that hold the secret `name`: beside the usual ones, as the only way in, and misshapen."""
    others = {other for other, spec in action.params.items() if spec.get("secret")} - {name}
    texts = [other for other, spec in action.params.items() if not spec.get("format") and not spec.get("template")]
    usable = [other for other in texts if other not in others and not other.endswith(("_file", "_certificate"))]
    usual = sample_params(action, url, name)
    alone = {**sample_params(action, url, name, *usable), **dict.fromkeys(others, "")}
    return [usual, alone, {**usual, name: f"{canary(name)} \x00"}]


ADDRESS = {"uuid": "00000000-0000-4000-8000-000000000001", "type": "ip-dst", "value": "8.8.8.8", "to_ids": True}
"""What an action that takes addresses only can say something of: the one in the captured event is TLP:RED."""
PEERS = {"fine": answer({"ok": True}), "echoes": _echo, "quotes": _quote, "breaks": CLOSE, "gone": CLOSE}


@pytest.mark.parametrize("peer", PEERS)
def test_no_secret_is_said_or_logged(peer: str, action: ActionFile, receiver: Receiver, captures, caplog):
    secrets = [name for name, spec in action.params.items() if spec.get("secret")]
    receiver.always(PEERS[peer])
    url = f"http://127.0.0.1:{free_port()}" if peer == "gone" else receiver.url
    data = json.loads(json.dumps(captures["event-publish"]["data"]))
    data["Event"]["Attribute"].append(ADDRESS)
    said = []
    with caplog.at_level(logging.DEBUG):
        for name in secrets:
            for params in _with_secret(action, name, url):
                body = {"module": action.name, "data": data, "params": params}
                said.append(json.dumps(action.ask(json.dumps(body).encode()), ensure_ascii=False))
    if secrets and peer != "gone" and any(spec.get("format") == "url" for spec in action.params.values()):
        assert receiver.requests, said
    said.append(caplog.text)
    leaks = {name for name in secrets for form in spellings(canary(name)) for text in said if form.decode() in text}
    assert leaks == set(), "\n".join(text for text in said if any(canary(name) in text for name in leaks))


def test_data_of_any_shape_behind_good_parameters(action: ActionFile, receiver: Receiver) -> None:
    """No shape of what MISP sends makes an action fail on its own account."""
    params = sample_params(action, receiver.url)
    params |= {name: value for name, value in (("dry_run", "true"), ("items", "all")) if name in action.params}
    for label, request in requests(action.name, params):
        if label.startswith(("data:", "selected:")):
            reply = action.ask(json.dumps(request).encode())
            assert trouble_with(reply) == "", label
            assert "own account" not in reply.get("error", ""), label


@pytest.mark.parametrize("uuid", ["7", "../../users", "2f0ac10d-0000-4000-8000-00000000000%", {"a": 1}])
def test_an_event_whose_uuid_is_none_is_an_error_where_things_are_kept_by_it(
    uuid: Any, action: ActionFile, receiver: Receiver, captures
) -> None:
    """Whoever takes things back finds them by the event's uuid."""
    if "withdraw_whole_event" not in action.params or "address" in action.params or action.name == "blocklist_file":
        return  # brokers and lists need an address or a list first, and read the event as the others do
    data = json.loads(json.dumps(captures["event-publish"]["data"]))
    data["Event"] |= {"uuid": uuid, "Tag": [], "published": True}
    data["Event"]["Attribute"].append(ADDRESS)
    params = {**sample_params(action, receiver.url), "selected_or_all": "all"}
    said = action.ask(json.dumps({"module": action.name, "data": data, "params": params}).encode())
    assert "uuid is none" in said.get("error", ""), said
    assert not receiver.requests


def test_withdrawing_a_whole_event_is_declared_once(action_files: list[Path]) -> None:
    tables = [ActionFile.load(path).params for path in action_files]
    declared = [table["withdraw_whole_event"] for table in tables if "withdraw_whole_event" in table]
    assert len(declared) > 20 and all(one == declared[0] for one in declared)
