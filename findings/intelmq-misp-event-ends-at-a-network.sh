#!/usr/bin/env bash
# IntelMQ 3.5.0: a network in a MISP event ends the import of that event, and what stands before is sent all the same.
#
# MISP's ip-src and ip-dst hold networks as well as addresses. The MISP parser adds the value to source.ip, which takes
# none, and raises InvalidValue in the middle of the event: attributes before it have been sent, those after it are
# never looked at. (In a running system the report is tried again, and those before are sent again each time.)
#
# Seen:
#     sent: ['before.example'] then: InvalidValue
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json
import logging

logging.disable(logging.CRITICAL)
from intelmq.bots.parsers.misp.parser import MISPParserBot
from intelmq.lib.bot import BotLibSettings

sent = []


class Listening(MISPParserBot):
    """The parser itself; what it sends is noted before anything else happens."""

    def send_message(self, *messages, **options):
        sent.extend(message["source.fqdn"] for message in messages)
        super().send_message(*messages, **options)


def attribute(number, kind, value):
    return {
        "category": "Network activity", "type": kind, "value": value, "comment": "", "timestamp": "1767312000",
        "uuid": f"5f1d8b8a-0000-4000-8000-00000000000{number}",
    }


event = {
    "id": "1", "uuid": "5f1d8b8a-0000-4000-8000-000000000009", "info": "test",
    "Attribute": [
        attribute(1, "domain", "before.example"), attribute(2, "ip-dst", "198.51.100.0/24"),
        attribute(3, "domain", "after.example"),
    ],
}
raw = base64.b64encode(json.dumps(event).encode()).decode()
raised = None
try:
    Listening("misp", settings=BotLibSettings).process_message(
        {"__type": "Report", "feed.url": "http://misp.example/", "raw": raw}
    )
except Exception as error:
    raised = type(error).__name__
print("sent:", sent, "then:", raised)
assert sent == ["before.example"] and raised == "InvalidValue"
PYTHON
