#!/usr/bin/env bash
# vexipy 0.3.0: a statement without a time of its own is read as one that is made at the moment.
#
# In OpenVEX a statement without "timestamp" has that of its document (0.2.0, "Inheritance"; the class says so too), and
# most have none. The library gives it the clock's time, at every reading another: the statement of 2024 is the newest
# there is, and it is written so. What to_json() writes has "id" and "context" for "@id" and "@context", unless
# by_alias=True is said.
#
# Seen (the time is that of the run):
#     document: 2024-01-02T03:04:05Z, statement: the time of reading
#     written: ['context', 'id'], statement: the time of reading
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check vexipy==0.3.0
venv/bin/python -W ignore - <<'PYTHON'
import datetime
import json

from vexipy import Document

given = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://cert.example/vex/1", "author": "CERT", "version": 1,
    "timestamp": "2024-01-02T03:04:05Z", "statements": [
        {"vulnerability": {"name": "CVE-2024-0001"}, "products": [{"@id": "pkg:npm/a@1.0"}], "status": "fixed"},
    ],
}


def now(time):
    age = datetime.datetime.now(datetime.timezone.utc) - time
    return "the time of reading" if age < datetime.timedelta(hours=1) else time


document = Document.from_json(json.dumps(given))
read = now(document.statements[0].timestamp)
print(f"document: {given['timestamp']}, statement: {read}")
written = json.loads(document.to_json())
names = sorted(name for name in written if name.endswith(("context", "id")))
again = now(datetime.datetime.fromisoformat(written["statements"][0]["timestamp"]))
print(f"written: {names}, statement: {again}")
assert read == again == "the time of reading" and names == ["context", "id"]
PYTHON
