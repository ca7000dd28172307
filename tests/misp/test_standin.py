"""The stand-in answers as the real MISP was recorded to: every recorded request once more, in order."""

from __future__ import annotations

import http.client
import json
import re

from misp_workflow.testing.misp import MispStandIn

# Numbers and names that a database gives, the time, colours that MISP draws by lot.
GIVEN_BY_MISP = {
    "id", "event_id", "attribute_id", "object_id", "timestamp", "colour", "date_sighting", "created", "modified", "date",
    "publish_timestamp", "authors",
}  # fmt: skip
NOT_COMPARED = {"RelatedEvent"}  # events of an earlier recording
NUMBER = re.compile(r"(?<=[(/])\d+(?=\)|$)")


def normal(value, known: set[str], key: str = ""):
    """The value without what differs from one MISP to the next; a uuid that no request named is any uuid."""
    if isinstance(value, dict):
        return {name: normal(item, known, name) for name, item in value.items() if name not in NOT_COMPARED}
    if isinstance(value, list):
        return [normal(item, known) for item in value]
    if key in GIVEN_BY_MISP:
        return None if value is None else "…"
    if key == "uuid" and value not in known:
        return "…"
    return NUMBER.sub("…", value) if isinstance(value, str) else value


def translated(value, ids: dict[str, str]):
    """The recorded request with the stand-in's numbers in the place of the real MISP's."""
    text = json.dumps(value)
    for real, ours in ids.items():
        text = re.sub(rf"(?<![\w-]){real}(?![\w-])", ours, text)
    return json.loads(text)


def send(misp: MispStandIn, key: str, method: str, path: str, body) -> tuple[int, object]:
    connection = http.client.HTTPConnection(misp.host, misp.port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {"Authorization": key})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def key_for(call: str, misp: MispStandIn) -> str:
    return "wrong" if call == "bad key" else misp.read_only_key if "read-only" in call else misp.key


def test_every_recorded_request_gets_its_recorded_answer(standin: MispStandIn, recorded):
    ids: dict[str, str] = {}
    known = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", json.dumps([one["request"] for one in recorded])))
    known.add("6e3701a8-d864-4f99-9b37-257af3627fe0")
    compared = 0
    for one in recorded:
        request, response = one["request"], one["response"]
        if one["call"] == "connect as read-only":
            continue  # what a role may do is recorded for two users; the stand-in keeps the first
        key = key_for(one["call"], standin)
        path, body = translated([request["path"], request["body"]], ids)
        status, said = send(standin, key, request["method"], path, body)
        assert status == response["status"], (one["call"], said)
        if request["path"] != "/servers/getVersion":
            assert normal(said, known) == normal(response["body"], known), one["call"]
            compared += 1
        if one["call"] == "add_event":
            ids = numbers(response["body"], said)
    assert compared > 60


def numbers(real, ours) -> dict[str, str]:
    """The real MISP's ids of the event and its attributes, with the stand-in's."""
    pairs = {real["Event"]["id"]: ours["Event"]["id"]}
    for left, right in zip(real["Event"]["Attribute"], ours["Event"]["Attribute"], strict=True):
        pairs[left["id"]] = right["id"]
    return pairs
