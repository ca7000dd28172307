"""Syslog frames by RFC 5424, with a message that a SIEM reads: CEF, LEEF 2.0, JSON, or a template's text.

Every value of an event is escaped for its place, and a frame is never longer than the receiver takes: what follows
would be read as a message of its own (docs/siem.md).
"""

from __future__ import annotations

import datetime
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from misp_workflow import __version__
from misp_workflow.action.call import Call
from misp_workflow.action.shared import content, records
from misp_workflow.action.shared.records import Carrier
from misp_workflow.action.shared.standing import standing
from misp_workflow.delivery import guard
from misp_workflow.effects import Receipt
from misp_workflow.errors import ParameterError
from misp_workflow.event import number, text

SEVERITIES = {1: 2, 2: 4, 3: 5, 4: 6}
"""MISP's threat level to the severity of syslog: high is critical, low is notice (RFC 5424, section 6.2.1)."""
CEF_SEVERITIES = {1: 9, 2: 6, 3: 3, 4: 1}
LONGEST_COMMENT = 500
GONE = "%UUID%"
"""Stands in the frame for what the ledger alone knows."""
_BLANK = dict.fromkeys(("id", "event_id", "object_id", "object_relation", "category", "comment", "timestamp"), "")
_BLANK |= dict.fromkeys(("distribution", "sharing_group_id", "first_seen", "last_seen"), "")
"""What else an attribute has: a template that names it must not fail for one of which no more is known."""

_FIELDS = {
    "ip-src": "src",
    "ip-dst": "dst",
    "ip-src|port": "src",
    "ip-dst|port": "dst",
    "domain": "dhost",
    "hostname": "dhost",
    "url": "request",
    "email-src": "suser",
    "email-dst": "duser",
    "filename": "fname",
    **dict.fromkeys(("md5", "sha1", "sha256", "sha512"), "fileHash"),
}
"""The key of the CEF dictionary for an attribute's type; others are a custom string."""


def lines(call: Call, carrier: Carrier) -> list[Carrier] | Receipt:
    """Return the frames of a call's attributes as effects like `carrier`, what is withdrawn among them."""
    said = standing(call)
    if isinstance(said, Receipt):
        return said
    found = [_record(call, row, False) for row in said.rows] + [_record(call, row, True) for row in said.gone]
    gone = _frame(call, {**_BLANK, "uuid": GONE, "type": "unknown", "value": GONE, "to_ids": False, "Tag": []}, True)
    carrier = replace(carrier, options={**carrier.options, "gone": gone})
    return records.complete(call, said, carrier, found) or call.skip(records.NOTHING)


def _record(call: Call, row: Mapping[str, Any], withdrawn: bool) -> dict[str, Any]:
    uuid = text(row.get("uuid"))
    frame = _frame(call, row, withdrawn)
    return {"id": uuid, "key": uuid, "topic": "syslog", "body": frame, "withdrawn": withdrawn}


def _frame(call: Call, row: Mapping[str, Any], withdrawn: bool) -> str:
    """Return the whole frame of one attribute; ParameterError when no message fits into what the receiver takes."""
    head = _head(call, row, withdrawn)
    room = call.params.longest_frame - len(head.encode())
    write = MESSAGES[call.params.message_format]
    for comment in (LONGEST_COMMENT, 0):
        message = write(call, row, withdrawn, comment)
        if len(message.encode()) <= room:
            return head + message
    if call.params.message_format == "template":
        return head + guard.cut(message, max(room, 20), "bytes")
    return head + guard.cut(f"MISP: {text(row.get('uuid'))} is too long for this message", max(room, 20), "bytes")


def _head(call: Call, row: Mapping[str, Any], withdrawn: bool) -> str:
    """Return everything before the message: header and structured data, RFC 5424 sections 6.2 and 6.3."""
    severity = 6 if withdrawn else SEVERITIES.get(number(call.view.event.get("threat_level_id")), 6)
    priority = call.params.facility * 8 + severity
    now = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc)
    host = re.sub(r"[^!-~]", "", socket.gethostname())[:255] or "-"
    told = {
        "event": text(call.view.event.get("uuid")),
        "attribute": text(row.get("uuid")),
        "type": text(row.get("type")),
        "state": "withdrawn" if withdrawn else "listed",
    }
    data = " ".join(f'{name}="{_sd(value)}"' for name, value in told.items())
    when = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"<{priority}>1 {when} {host} misp - attribute [misp@{call.params.enterprise_number} {data}] "


def _sd(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", _plain(value))


def _plain(value: str) -> str:
    """Return a text on one line, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in value)


# --- messages ---------------------------------------------------------------------------------------------------------


def _pairs(call: Call, row: Mapping[str, Any], withdrawn: bool, comment: int) -> dict[str, str]:
    """Return what CEF and LEEF say of an attribute, by CEF's keys; nothing empty: a reader chokes on it."""
    kind, value = text(row.get("type")), text(row.get("value"))
    key = _FIELDS.get(kind)
    first, _, last = value.partition("|")
    named = {key: first if kind.endswith("|port") else value} if key else {}
    if kind.endswith("|port"):
        named["dpt" if kind.startswith("ip-dst") else "spt"] = last
    told = {
        "act": "withdrawn" if withdrawn else "listed",
        **named,
        "cs1Label": "type",
        "cs1": kind,
        "cs2Label": "value",
        "cs2": value,
        "cs3Label": "tags",
        "cs3": ", ".join(call.tags_of(row)),
        "msg": guard.cut(text(row.get("comment")), comment) if comment else "",
        "deviceExternalId": text(call.view.event.get("uuid")),
        "rt": f"{number(row.get('timestamp')) * 1000}",
        "externalId": text(row.get("uuid")),  # last, and never empty: some readers stumble over what ends a record
    }
    if not told["cs3"]:
        told["cs3Label"] = ""
    return {name: said for name, said in told.items() if said}


def _cef(call: Call, row: Mapping[str, Any], withdrawn: bool, comment: int) -> str:
    """Return CEF:0. The blank before the extension is for liblognorm, which would take the first key's first letter."""
    level = CEF_SEVERITIES.get(number(call.view.event.get("threat_level_id")), 1)
    title = "MISP attribute withdrawn" if withdrawn else "MISP attribute"
    head = ["CEF:0", "MISP", "misp-workflow", __version__, text(row.get("type")), title, str(1 if withdrawn else level)]
    written = "|".join(re.sub(r"([\\|])", r"\\\1", _plain(part)) for part in head)
    pairs = _pairs(call, row, withdrawn, comment).items()
    return f"{written}| " + " ".join(f"{name}={_cef_value(value)}" for name, value in pairs)


def _cef_value(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("=", "\\=").replace("\r\n", "\\n").replace("\n", "\\n")
    return _plain(escaped.replace("\r", "\\n")).strip()


def _leef(call: Call, row: Mapping[str, Any], withdrawn: bool, comment: int) -> str:
    """Return LEEF 2.0 with ^ between the fields; it knows no escapes, so what separates is kept out of the values."""
    names = {"act": "action", "src": "src", "dst": "dst", "dpt": "dstPort", "spt": "srcPort", "request": "url"}
    pairs = _pairs(call, row, withdrawn, comment)
    told = {names.get(name, name): value for name, value in pairs.items()}
    told["sev"] = str(CEF_SEVERITIES.get(number(call.view.event.get("threat_level_id")), 1))
    kept = "^".join(f"{name}={_plain(re.sub('[|^]', ' ', value))}" for name, value in told.items())
    event = re.sub("[|^]", " ", _plain(text(row.get("type"))))[:255]
    return f"LEEF:2.0|MISP|misp-workflow|{__version__}|{event}|^|{kept}"


def _json(call: Call, row: Mapping[str, Any], withdrawn: bool, comment: int) -> str:
    told = {**row, "comment": guard.cut(text(row.get("comment")), comment) if comment else ""}
    written = content.flat(call, told, withdrawn)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in written)


def _template(call: Call, row: Mapping[str, Any], withdrawn: bool, comment: int) -> str:
    if not call.params.message:
        raise ParameterError("Parameter 'message' must hold a template when 'message_format' is template.")
    shown = {**row, "withdrawn": withdrawn}
    return _plain(content.rendered(call, "message", shown)).strip() or "-"


MESSAGES: dict[str, Callable[[Call, Mapping[str, Any], bool, int], str]] = {
    "cef": _cef,
    "leef": _leef,
    "json": _json,
    "template": _template,
}
