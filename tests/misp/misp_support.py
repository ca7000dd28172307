"""What the tests of changes in MISP share: a real MISP behind the same few questions, an event, one change."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import misp as transport
from misp_workflow.effects import MispChange

RECORDED = Path(__file__).parent / "recorded"
"""What a real MISP 2.5.1 answered, call by call."""
REAL_URL = os.environ.get("MISP_WORKFLOW_TEST_MISP_URL", "")
REAL_KEY = os.environ.get("MISP_WORKFLOW_TEST_MISP_KEY", "")


class RealMisp:
    """The few questions that the tests ask, put to a real MISP through plain PyMISP; it is left as it was found."""

    def __init__(self, url: str, key: str) -> None:
        from pymisp import PyMISP

        self.url, self.key = url.rstrip("/"), key
        self._pymisp = PyMISP(url, key, ssl=False)
        self._made: set[str] = set()
        self._events: set[str] = set()
        self._tags_before = set(self._tags())
        self.is_site_admin = bool(self.ask("GET", "users/view/me")["Role"]["perm_site_admin"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask it anything, and return the decoded answer."""
        return self._pymisp._check_json_response(self._pymisp._prepare_request(method, path, data=body))

    def add_event(self, given: dict[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = self.ask("POST", "events/add", {"distribution": "0", **given})["Event"]
        self._made |= uuids_in(event)
        self._events.add(event["uuid"])
        return event

    def event(self, reference: str) -> dict[str, Any]:
        return self.ask("GET", f"events/view/{reference}")["Event"]

    def attribute(self, reference: str) -> dict[str, Any]:
        return self.ask("GET", f"attributes/view/{reference}")["Attribute"]

    def tags(self, reference: str) -> dict[str, str]:
        found = self.ask("GET", f"attributes/view/{reference}")
        row = found["Attribute"] if "Attribute" in found else self.event(reference)
        return {tag["name"]: "local" if tag["local"] else "global" for tag in row.get("Tag", [])}

    def will_make(self, uuid: str) -> None:
        """Note a uuid that a test makes an entry for."""
        self._made.add(uuid)
        self._events.add(uuid)

    def leave_as_found(self) -> None:
        """Delete what the tests made: events and what hangs on them, lists, entries, and tags that nobody uses."""
        for kind in ("Note", "Opinion"):
            for row in self.ask("GET", f"analyst_data/index/{kind}"):
                one = row.get(kind, row)
                if one["object_uuid"] in self._made:
                    self.ask("POST", f"analyst_data/delete/{kind}/{one['id']}")
        for made in sorted(self._events):
            if "Event" in self.ask("GET", f"events/view/{made}"):
                self.ask("POST", f"events/delete/{made}")
        for number, name in self._tags().items():
            unused = number not in self._tags_before and self.ask("GET", f"tags/view/{number}")
            if unused and name in MADE_TAGS and not int(unused["count"]) + int(unused["attribute_count"]):
                self.ask("POST", f"tags/delete/{number}")
        if self.is_site_admin:
            for row in self.ask("GET", "eventBlocklists/index"):  # MISP notes there each event that is deleted
                if row["event_uuid"] in self._made:
                    self.ask("POST", f"eventBlocklists/delete/{row['id']}")
            for row in self.ask("GET", "warninglists/index")["Warninglists"]:
                if OWN_LIST.fullmatch(row["Warninglist"]["name"]):
                    self.ask("POST", f"warninglists/delete/{row['Warninglist']['id']}")

    def _tags(self) -> dict[str, str]:
        return {row["id"]: row["name"] for row in self.ask("GET", "tags/index")["Tag"]}


OWN_LIST = re.compile("Own [0-9a-f-]{36}")
MADE_TAGS = ("type:OSINT", "tlp:amber", "tlp:green", "known", "x", "wfAlike", "wf_like", "20261128")
"""What the tests attach; deleted again from a real MISP that had it not, and has nothing that bears it."""


def uuids_in(event: dict[str, Any]) -> set[str]:
    """The uuids of an event and its attributes; not of the events that MISP relates to it, which are others'."""
    rows = [*event["Attribute"], *(row for thing in event["Object"] for row in thing["Attribute"])]
    return {event["uuid"], *(row["uuid"] for row in rows)}


def example_event() -> dict[str, Any]:
    unique = uuid.uuid4().hex
    return {
        "info": "write-back test",
        "Attribute": [
            {"type": "ip-dst", "value": "198.51.100.3", "Tag": [{"name": "tlp:amber"}], "to_ids": True},
            {"type": "domain", "value": f"{unique}.example.com", "to_ids": True},
            {"type": "sha256", "value": unique * 2, "to_ids": True},
        ],
        "Object": [
            {
                "name": "file",
                "meta-category": "file",
                "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215",
                "template_version": "25",
                "description": "File object describing a file with meta-information",
                "Attribute": [{"type": "filename", "object_relation": "filename", "value": "x3.exe"}],
            }
        ],
    }


def items(*rows: dict[str, Any]) -> tuple[dict[str, str], ...]:
    return tuple({key: row[key] for key in ("uuid", "type", "value")} for row in rows)


def make(change: str, event: dict[str, Any], *rows: dict[str, Any], seconds: float = 20.0, **more: Any) -> Answer:
    """Make one change and return what became of it; `more` are the fields of the effect."""
    effect = MispChange(change=change, event=event["uuid"], items=items(*rows), **more)
    return transport.send(effect, "key", time.monotonic() + seconds)


def wait_until(holds: Callable[[], Any], patience: float = 120.0) -> None:
    """Wait for what must come; the patience only keeps a broken run from hanging."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
