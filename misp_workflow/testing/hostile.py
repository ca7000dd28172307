"""Requests that no MISP should send and every action must survive, and the spellings in which a secret can leak."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

MEGABYTE = 1024 * 1024

_EVENT: dict[str, Any] = {"Event": {"id": "1", "info": "x", "Attribute": [{"id": "1", "type": "ip-dst", "value": "x"}]}}

_DATA: dict[str, Any] = {
    "null": None,
    "list": [],
    "text": "x",
    "number": 5,
    "empty": {},
    "event null": {"Event": None},
    "event list": {"Event": []},
    "event text": {"Event": "x"},
    "attributes null": {"Event": {"Attribute": None}},
    "attributes object": {"Event": {"Attribute": {"3": {"type": "url", "value": 5}}}},
    "attributes mixed": {"Event": {"Attribute": [None, 1, "x", [], {}, {"value": None}, {"Tag": 5}]}},
    "objects mixed": {"Event": {"Object": [None, {"Attribute": None}, {"Attribute": [None]}, 5]}},
    "tags mixed": {"Event": {"Tag": [None, 5, {"name": None}, {"name": ["x"]}], "Galaxy": 7}},
    "ids of all types": {"Event": {"id": True, "uuid": 5, "distribution": None, "published": "1", "info": ["x"]}},
    "huge number": {"Event": {"id": 10**300, "timestamp": -1, "threat_level_id": 1e308}},
    "control characters": {"Event": {"info": "a\x00b\r\nX-Evil: 1\u2028\u202e{{ 7*7 }}"}},
    "types that are no text": {
        "Event": {
            "id": "1",
            "Tag": [{"name": "tlp:red"}, {"name": {"a": 1}}],
            "Attribute": [
                {"type": odd, "category": odd, "value": "evil.example"} for odd in (["x"], {"a": 1}, 5, True)
            ],
            "Object": [{"name": ["x"], "Attribute": [{"type": [[]], "object_relation": {}, "value": "x"}]}],
            "ShadowAttribute": [{"type": ["x"], "value": "x"}],
            "EventReport": [{"name": [], "content": {"a": 1}}],
            "Galaxy": [{"type": ["x"], "GalaxyCluster": [{"value": ["x"], "meta": 5}]}],
        }
    },
    "numbers beyond 64 bits": {
        "Event": {
            **dict.fromkeys(("id", "timestamp", "publish_timestamp", "date", "distribution", "org_id"), 2**70),
            "Attribute": [{"id": -(2**70), "type": "ip-dst", "value": 2**64, "timestamp": 2**63, "first_seen": 2**70}],
            "Tag": [{"id": 2**80, "name": 2**70}],
        }
    },
    "dates far away": {
        "Event": {
            "id": "1",
            **{"date": "99999-12-31", "timestamp": "9999999999999", "publish_timestamp": -(10**13)},
            "Attribute": [
                {"type": "datetime", "value": "-0001-01-01", "first_seen": "99999-01-01", "timestamp": 1e300}
            ],
        }
    },
    "a user from far away": {
        **{"id": "1", "email": "a@b.example", "org_id": "1", "role_id": "1", "autoalert": 2**70},
        **{"date_created": "9999999999999", "date_modified": 2**70, "last_login": -(2**70)},
    },
    "flattened only": {"Event": {"_AttributeFlattened": [{"value": {}}, None]}},
}

_SELECTED: dict[str, Any] = {
    "none": [],
    "empty object": {},
    "null": None,
    "text": "x",
    "number": 5,
    "mixed list": [None, 1, "x", [], {}, {"value": {"a": 1}}],
    "object with holes": {"0": {"value": "a"}, "3": {"value": "b"}, "x": None},
    "whole data": _EVENT,
}

_WRONG_VALUES: dict[str, Any] = {"null": None, "number": 5, "true": True, "list": ["x"], "object": {"a": {"b": 1}}}


def raw_bodies(module: str, params: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield (what it is, body). `params` are usable ones, so that hostile data is met behind the parameter checks."""
    yield from _not_requests()
    for label, request in requests(module, params):
        yield label, json.dumps(request).encode()
    for depth in (500, 100_000):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        yield f"{depth} levels deep", _around(module, params, deep)
    yield "50 MB", _around(module, params, _large())
    yield "a lone surrogate", _around(module, params, rb'{"Event":{"info":"\ud800"}}')
    yield "an endless number", _around(module, params, b'{"Event":{"id":' + b"9" * 5_000 + b"}}")
    yield "the same key twice", b'{"params":[],' + _around(module, params, b"{}")[1:]


def requests(module: str, params: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (what it is, request) for those that are JSON objects of a usual size."""
    usual = {"module": module, "data": _EVENT, "params": dict(params)}
    yield "no keys", {}
    yield "no params", {"module": module, "data": _EVENT}
    yield "no data", {"module": module, "params": dict(params)}
    for label, data in _DATA.items():
        yield f"data: {label}", {**usual, "data": data}
        yield f"data: {label}, selected as a whole", {**usual, "data": data, "filteredItems": data}
    for label, selected in _SELECTED.items():
        yield f"selected: {label}", {**usual, "filteredItems": selected}
    for label, value in _WRONG_VALUES.items():
        yield f"params: {label}", {**usual, "params": value}
        for name in params:
            yield f"{name}: {label}", {**usual, "params": {**params, name: value}}
    for name in params:
        yield f"{name}: a megabyte", {**usual, "params": {**params, name: "x" * MEGABYTE}}
        yield f"{name}: control characters", {**usual, "params": {**params, name: "a\x00b\r\nX-Evil: 1"}}
    yield "matching data of a wrong type", {**usual, "matchingData": 5}


class Thrower(dict[str, Any]):
    """A request whose every use raises AttributeError: with a dict_handler the server would run the action twice."""

    def get(self, *_: Any) -> Any:
        raise AttributeError("get")

    def __getitem__(self, _: Any) -> Any:
        raise AttributeError("item")

    def __contains__(self, _: Any) -> bool:
        raise AttributeError("contains")


def parsed_requests(module: str, params: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield (what it is, request) for a dict_handler, which gets what the server has parsed already."""
    yield from requests(module, params)
    others: tuple[Any, ...] = (None, [], "x", 5, True)
    yield from ((repr(value), value) for value in others)
    yield "an object that raises", Thrower(module=module)
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    yield "900 levels deep", {"module": module, "data": deep, "params": dict(params)}


def spellings(secret: str) -> set[bytes]:
    """Return `secret` as it may stand in a request or log: plain, percent, JSON, HTML, base64 (of it alone), hex."""
    plain = secret.encode()
    texts = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
    }
    encoded = {base64.b64encode(plain).rstrip(b"="), base64.urlsafe_b64encode(plain).rstrip(b"="), plain.hex().encode()}
    return {text.encode() for text in texts} | encoded


def _not_requests() -> Iterator[tuple[str, bytes]]:
    bodies = (b"", b"{", b"not JSON", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"null", b"[]", b"5", b'"x"', b"true", b"NaN")
    for body in bodies:
        yield repr(body), body


@cache
def _large() -> bytes:
    return b'{"Event":{"info":"' + b"x" * (50 * MEGABYTE) + b'"}}'


def _around(module: str, params: Mapping[str, str], data: bytes) -> bytes:
    start = json.dumps({"module": module, "params": dict(params)}).encode()
    return b"".join((start[:-1], b',"data":', data, b"}"))  # in one go: it may be large
