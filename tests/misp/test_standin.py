"""The stand-in answers as the real MISP was recorded to: every recorded request once more, in order."""

from __future__ import annotations

import ast
import http.client
import inspect
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from misp_support import RECORDED

from misp_workflow.testing import misp as misp_standin
from misp_workflow.testing.misp import MispStandIn, additions, events, lists, sync, tags

# Numbers and names that a database gives, the time, colours that MISP draws by lot.
GIVEN_BY_MISP = {
    "id", "event_id", "attribute_id", "object_id", "warninglist_id", "timestamp", "colour", "date_sighting", "created",
    "modified", "date", "publish_timestamp", "authors", "date_created", "date_modified",
}  # fmt: skip
NOT_COMPARED = {"RelatedEvent"}  # events of an earlier recording
NUMBER = re.compile(r"(?<=[(/])\d+(?=\)|/?$|\.json$)")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")

NOT_ASKED = {
    "connect as read-only": "what a role may do is recorded for two users; the stand-in keeps the first",
    "tags/index by name (search)": "nothing here asks for it",
    "tags/delete": "nothing here deletes tags",
    "edit of a default list": "the stand-in keeps no list of MISP's own that could be edited",
    "index": "the lists of MISP's own are given as recorded, see the settings of these tests",
    "warninglists list": "given as recorded",
}
"""Recorded calls that are not put to the stand-in, and why."""

UNRECORDED = {
    "_respond: CLOSE": "whoever asked is gone in the middle of the request: nobody is left to answer to",
    "_respond: said": "what one of the other functions answered",
}
"""Answers of the stand-in without a recording, and why."""


def normal(value, known: set[str], key: str = ""):
    """The value without what differs from one MISP to the next; a uuid that no request named is any uuid."""
    if isinstance(value, dict):
        return {name: normal(item, known, name) for name, item in value.items() if name not in NOT_COMPARED}
    if isinstance(value, list):
        return [normal(item, known) for item in value]
    if key in GIVEN_BY_MISP:
        return None if value is None else "…"
    if isinstance(value, str) and UUID.fullmatch(value) and value not in known:
        return "…"
    return NUMBER.sub("…", value) if isinstance(value, str) else value


def learn(real: Any, ours: Any, ids: dict[str, str]) -> None:
    """Note which of the stand-in's numbers stands for which of the real MISP's, wherever both answers say one."""
    if isinstance(real, dict) and isinstance(ours, dict):
        for name in real.keys() & ours.keys():
            if name == "id":
                ids[str(real[name])] = str(ours[name])
            learn(real[name], ours[name], ids)
    elif isinstance(real, list) and isinstance(ours, list):
        for one, other in zip(real, ours, strict=False):
            learn(one, other, ids)


def translated(value, ids: dict[str, str], key: str = ""):
    """The recorded request with the stand-in's numbers in the place of the real MISP's."""
    if isinstance(value, dict):
        return {name: translated(item, ids, name) for name, item in value.items()}
    if isinstance(value, list):
        return [translated(item, ids, key) for item in value]
    if key not in ("path", "id", "tag", "attribute_ids"):
        return value
    text = re.sub(r"(?<![\w:-])\d+(?![\w:-])", lambda found: ids.get(found[0], found[0]), str(value))
    return int(text) if isinstance(value, int) else text


def send(misp: MispStandIn, key: str, method: str, path: str, body) -> tuple[int, object]:
    connection = http.client.HTTPConnection(misp.host, misp.port, timeout=60)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {"Authorization": key})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def key_for(call: str, misp: MispStandIn) -> str:
    if call == "bad key" or "wrong key" in call:
        return "wrong"
    if call.startswith("push: "):  # a sync user's, of another organisation
        return misp.outside_key
    if "outside the host organisation" in call or "the other organisation" in call or "without perm_tag_editor" in call:
        return misp.outside_key
    return misp.read_only_key if "read-only" in call or "no site admin" in call else misp.key


def begin(name: str, misp: MispStandIn) -> dict[str, str]:
    """What the real MISP had before a recording began, with its numbers."""
    if name in ("tags", "objects"):
        with misp.asking_as("2"):
            theirs = misp.add_event({"info": "theirs", "uuid": "2e2de747-6cbe-4afd-a849-f23242a8e2c2"})
        attribute = {"type": "ip-dst", "value": "203.0.113.9", "uuid": "128da068-3a46-4587-bc6d-4bee86e9f4cd"}
        ours = misp.add_event({"info": "x", "uuid": "71cacd3e-8fc1-40b6-9e7e-1cc0bddff719", "Attribute": [attribute]})
        return {"235": ours["id"], "234": ours["id"], "236": theirs["id"], "17627": ours["Attribute"][0]["id"]}
    if name == "more":
        misp.add_event({"info": "objects", "uuid": "0b5e55ed-0000-4000-8000-000000000005"})
    if name == "outside":
        number = misp.tag("tlp:green")
        rows = [
            {"uuid": f"0b5e55ed-0000-4000-8000-0000000000{end}", "type": "domain", "value": f"{value}.example.com"}
            for end, value in (("80", "o0"), ("81", "o1"), ("90", "p0"), ("91", "p1"))
        ]
        seen = {"info": "seen by all", "uuid": "0b5e55ed-0000-4000-8000-000000000003", "Attribute": rows[:2]}
        ours = misp.add_event({**seen, "distribution": "1"})
        misp.events[ours["id"]]["publish_timestamp"] = "1"
        with misp.asking_as("2"):
            theirs = misp.add_event(
                {"info": "theirs", "uuid": "0b5e55ed-0000-4000-8000-000000000004", "Attribute": rows[2:]}
            )
        attributes = [row["id"] for row in ours["Attribute"] + theirs["Attribute"]]
        return {"3": number, **dict(zip(("210", "211", "212", "213"), attributes, strict=True))}
    if name == "push":
        theirs = misp.add_event({"info": "theirs", "uuid": "0b5e55ed-0001-4000-8000-000000000090"})
        return {"31": theirs["id"]}
    return {}


def replayed(name: str, plain: list[dict]) -> Iterator[tuple[dict, int, Any, set[str]]]:
    """Put the requests of one recording to a stand-in, and yield each with what it answered."""
    with MispStandIn(recorded=plain if name == "exchanges" else ()) as misp:
        yield from _replay(name, misp)


def _replay(name: str, misp: MispStandIn) -> Iterator[tuple[dict, int, Any, set[str]]]:
    calls = json.loads((RECORDED / f"{name}.json").read_text())
    known = set(UUID.findall(json.dumps([one["request"] for one in calls])))
    ids = begin(name, misp)
    for one in calls:
        request, response = one["request"], one["response"]
        if one["call"] in NOT_ASKED:
            continue
        path, body = translated(request["path"], ids, "path"), translated(request["body"], ids)
        status, said = send(misp, key_for(one["call"], misp), request["method"], path, body)
        learn(response["body"], said, ids)
        yield one, status, said, known


def only(parts: Any, said: Any) -> Any:
    """Of an answer what a trimmed recording kept of it."""
    if isinstance(parts, dict) and isinstance(said, dict):
        return {name: only(parts[name], said[name]) for name in parts if name in said}
    if isinstance(parts, list) and isinstance(said, list):
        return [only(*both) for both in zip(parts, said, strict=False)]
    return said


RECORDINGS = ["exchanges", "tags", "warninglists", "objects", "more", "outside", "approval", "push"]


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recorded_request_gets_its_recorded_answer(name, recorded):
    compared = 0
    for one, status, said, known in replayed(name, recorded):
        response = one["response"]
        assert status == response["status"], (one["call"], said)
        if one["request"]["path"].startswith("/servers/getVersion"):
            continue
        said = only(response["body"], said) if "trimmed" in response else said
        real = response["body"]
        if name == "objects" and "Object" in real:  # MISP takes the description from its template, where it has one
            real = {"Object": {**real["Object"], "description": said["Object"]["description"]}}
        assert normal(said, known) == normal(real, known), one["call"]
        compared += 1
    assert compared > 4


# --- which answers have a recording -----------------------------------------------------------------------------------


def answers() -> dict[tuple[str, int, int], str]:
    """Every place where the stand-in answers: file, first and last line, with the function and what it returns."""
    found = {}
    for module in (misp_standin, events, tags, lists, additions, sync):
        tree = ast.parse(inspect.getsource(module))
        methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for method in methods:
            if method.returns is None or "Answer" not in ast.unparse(method.returns):
                continue
            for node in ast.walk(method):
                if isinstance(node, ast.Return):
                    place = (str(module.__file__), node.lineno, node.end_lineno or node.lineno)
                    found[place] = f"{method.name}: {ast.unparse(node.value)}"
    return found


def given_while(do: Callable[[], object]) -> set[tuple[str, int]]:
    """Do something, and return the lines at which functions of the stand-in returned meanwhile."""
    lines: set[tuple[str, int]] = set()

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "return":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def new_frame(frame: FrameType, event: str, _: Any) -> Any:
        return local if "testing/misp" in frame.f_code.co_filename else None

    threading.settrace(new_frame)  # the stand-in answers in threads of its own
    try:
        do()
    finally:
        threading.settrace(None)  # type: ignore[arg-type]
    return lines


def test_every_answer_has_a_recording_or_a_reason_why_it_has_none(recorded):
    lines = given_while(lambda: [list(replayed(name, recorded)) for name in RECORDINGS])
    without = {
        told
        for (file, first, last), told in answers().items()
        if not any(file == place and first <= line <= last for place, line in lines)
    }
    unexplained = {told for told in without if not any(told.startswith(known) for known in UNRECORDED)}
    assert not unexplained, "record what a real MISP answers there, or say why not"
    idle = [known for known in UNRECORDED if not any(told.startswith(known) for told in without)]
    assert not idle, "these have a recording"


@pytest.mark.parametrize(
    "row", [{"type": ["domain"]}, {"type": {}}, {"type": None}, {"value": ["x"]}, {"comment": {}}, {"category": ["x"]}]
)
def test_an_attribute_that_is_no_text_is_refused_and_breaks_nothing(row: dict) -> None:
    """No real MISP was asked; whatever it says, it is no failure of the server."""
    with MispStandIn() as misp:
        event = misp.add_event({"info": "x", "Attribute": [{"type": "domain", "value": "a.example"}], "Object": []})
        known = event["Attribute"][0]["uuid"]
        bad = {"type": "domain", "value": "b.example", "uuid": str(uuid.uuid4()), **row}
        thing = {"name": "x", "meta-category": "x", "description": "x", "template_version": "1", "template_uuid": "x"}
        pushed = {"uuid": str(uuid.uuid4()), "info": "x", "Attribute": [bad]}
        for path, body in (
            (f"/attributes/add/{event['id']}", bad),
            (f"/attributes/edit/{known}", row),
            (f"/objects/add/{event['id']}", {**thing, "Attribute": [{**bad, "object_relation": "x"}]}),
            (f"/shadowAttributes/add/{event['id']}", bad),
            ("/events/add", pushed),
            ("/events/add", {**pushed, "uuid": str(uuid.uuid4()), "locked": True, "timestamp": "1750000000"}),
        ):
            status, _ = send(misp, misp.key, "POST", path, body)
            assert status == (200 if path == "/events/add" else 404 if "shadow" in path else 403), path
        assert len(misp.event(event["id"])["Attribute"]) == 1
