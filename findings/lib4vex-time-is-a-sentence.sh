#!/usr/bin/env bash
# lib4vex 0.2.3: what must be done about a flaw is read as the time by which it was said, and why none is there is lost.
#
# OpenVEX has action_statement and beside it action_statement_timestamp; the time is read from the sentence, and the
# real one is dropped. A product is "not affected" for a justification or, where no label fits, for a reason in words
# (impact_statement): the words are not read. Written again, the document says neither why nor when, and is not valid.
#
# Seen:
#     affected: comment 'update to 3.0', action_timestamp 'update to 3.0'
#     not_affected: no reason
#     written again: action_statement_timestamp 'update to 3.0'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check lib4vex==0.2.3
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

from lib4vex.generator import VEXGenerator
from lib4vex.parser import VEXParser

def statement(vulnerability, *products, **more):
    return {
        "vulnerability": {"name": vulnerability}, "timestamp": "2026-01-02T03:04:05Z",
        "products": [{"@id": product} for product in products], **more,
    }


def document(*statements):
    """Write an OpenVEX 0.2.0 document that makes these statements."""
    pathlib.Path("list.openvex.json").write_text(json.dumps({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://cert.example/vex/1", "author": "CERT",
        "role": "Document Creator", "timestamp": "2026-01-02T03:04:05Z", "version": 1, "statements": statements,
    }))


when, what, why = "2026-01-03T00:00:00Z", "update to 3.0", "the code is never called"
document(
    statement("CVE-2026-0001", "pkg:npm/a@1.0", status="affected", action_statement=what, action_statement_timestamp=when),
    statement("CVE-2026-0002", "pkg:npm/a@1.0", status="not_affected", impact_statement=why),
)
parser = VEXParser("openvex")
parser.parse("list.openvex.json")
affected, free = parser.get_vulnerabilities()
print(f"affected: comment {affected['comment']!r}, action_timestamp {affected['action_timestamp']!r}")
print("not_affected:", "a reason" if why in free.values() else "no reason")
generator = VEXGenerator("openvex", author="CERT")
generator.set_product("list", "1")
generator.generate("list", [affected, free], metadata={}, filename="again.openvex.json")
again = pathlib.Path("again.openvex.json").read_text()
written = json.loads(again)["statements"][0]
print(f"written again: action_statement_timestamp {written['action_statement_timestamp']!r}")
assert affected["action_timestamp"] == written["action_statement_timestamp"] == what
assert when not in str(affected) and why not in str(free) and why not in again and when not in again
PYTHON
