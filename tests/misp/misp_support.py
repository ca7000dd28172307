"""What the tests of changes in MISP share: a real MISP behind the same few questions, an event, one change."""

from __future__ import annotations

import os
import time
import uuid
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
    """The few questions that the tests ask, put to a real MISP through plain PyMISP."""

    def __init__(self, url: str, key: str) -> None:
        from pymisp import PyMISP

        self.url, self.key = url.rstrip("/"), key
        self._pymisp = PyMISP(url, key, ssl=False)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask it anything, and return the decoded answer."""
        return self._pymisp._check_json_response(self._pymisp._prepare_request(method, path, data=body))

    def add_event(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._pymisp.direct_call("events/add", {"distribution": "0", **given})["Event"]

    def event(self, reference: str) -> dict[str, Any]:
        return self._pymisp.direct_call(f"events/view/{reference}")["Event"]

    def attribute(self, reference: str) -> dict[str, Any]:
        return self._pymisp.direct_call(f"attributes/view/{reference}")["Attribute"]

    def tags(self, reference: str) -> dict[str, str]:
        found = self._pymisp.direct_call(f"attributes/view/{reference}")
        row = found["Attribute"] if "Attribute" in found else self.event(reference)
        return {tag["name"]: "local" if tag["local"] else "global" for tag in row.get("Tag", [])}


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
