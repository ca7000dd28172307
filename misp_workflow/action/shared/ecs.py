"""An attribute in the Elastic Common Schema: threat.indicator.*, https://www.elastic.co/docs/reference/ecs/ecs-threat."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.event import marking, number, text

TYPES = {
    "ip-src": "ipv4-addr",
    "ip-dst": "ipv4-addr",
    "ip-src|port": "ipv4-addr",
    "ip-dst|port": "ipv4-addr",
    "domain": "domain-name",
    "hostname": "domain-name",
    "domain|ip": "domain-name",
    "url": "url",
    "email": "email-addr",
    "email-src": "email-addr",
    "email-dst": "email-addr",
    "AS": "autonomous-system",
    "mac-address": "mac-addr",
    "regkey": "windows-registry-key",
    "x509-fingerprint-sha1": "x509-certificate",
}
HASHES = ("md5", "sha1", "sha256", "sha384", "sha512", "ssdeep", "tlsh")


def document(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of one attribute."""
    kind, value = text(row.get("type")), text(row.get("value"))
    indicator: dict[str, Any] = {
        "type": TYPES.get(kind, "file" if kind.rpartition("|")[2] in (*HASHES, "filename") else kind),
        "name": value,
        "provider": call.view.organisation,
        "description": text(row.get("comment")),
        "reference": call.link,
        "first_seen": text(row.get("first_seen")),
        "last_seen": text(row.get("last_seen")),
        "modified_at": _time(row.get("timestamp")),
        **_value(kind, value),
    }
    if level := _tlp(call, row):
        indicator["marking"] = {"tlp": level.upper()}
    told = {
        "@timestamp": _time(row.get("timestamp")) or _time(call.view.event.get("timestamp")),
        "event": {"kind": "enrichment", "category": ["threat"], "type": ["indicator"]},
        "threat": {"indicator": {name: item for name, item in indicator.items() if item not in ("", None)}},
        "tags": call.tags_of(row),
        "misp": {
            "attribute_uuid": text(row.get("uuid")),
            "type": kind,
            "category": text(row.get("category")),
            "event_uuid": text(call.view.event.get("uuid")),
            "event_info": text(call.view.event.get("info")),
        },
    }
    return {name: item for name, item in told.items() if item not in ("", None, [])}


def _value(kind: str, value: str) -> dict[str, Any]:
    """Return the value where ECS has a field for it."""
    first, _, last = value.partition("|")
    name = kind.partition("|")[0]
    if name in ("ip-src", "ip-dst"):
        port = {"port": number(last)} if kind.endswith("|port") and number(last) else {}
        address = {} if "/" in first else {"ip": first}
        return {"type": "ipv6-addr" if ":" in first else "ipv4-addr", **address, **port}
    if name in ("domain", "hostname"):
        return {"url": {"domain": first}}
    if kind == "url":
        return {"url": {"full": value}}
    if kind.startswith("email"):
        return {"email": {"address": value}}
    digest = kind.rpartition("|")[2]
    if digest in HASHES:
        return {"file": {"hash": {digest: value.rpartition("|")[2]}, **({"name": first} if "|" in kind else {})}}
    return {"file": {"name": value}} if kind == "filename" else {}


def _tlp(call: Call, row: Mapping[str, Any]) -> str:
    """Return the strictest TLP of the attribute and its event, "" when they have none."""
    return marking(call.tags_of(row), "tlp") or ""


def _time(seconds: Any) -> str:
    when = number(seconds)
    if not 0 < when < 253_402_300_800:
        return ""
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
