#!/usr/bin/env bash
# IntelMQ 3.5.0: the key-value parser loses a value in which an equals sign stands.
#
# A pair is split at its last "=", so of url=http://a.example/?id=5 the key is "url=http://a.example/?id", which nobody
# asked for, and the URL is not in the event. URLs with a query, Base64 and command lines go this way; the event is sent
# without them, and nothing is logged. Firewalls write their logs in this format.
#
# Seen:
#     src=192.0.2.1 url=http://a.example/ -> {'source.ip': '192.0.2.1', 'source.url': 'http://a.example/'}
#     src=192.0.2.1 url=http://a.example/?id=5 -> {'source.ip': '192.0.2.1'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import base64
import logging

logging.disable(logging.CRITICAL)
from intelmq.bots.parsers.key_value.parser import KeyValueParserBot
from intelmq.lib.bot import BotLibSettings

bot = KeyValueParserBot("kv", settings=BotLibSettings | {"keys": {"src": "source.ip", "url": "source.url"}})
found = {}
for line in ("src=192.0.2.1 url=http://a.example/", "src=192.0.2.1 url=http://a.example/?id=5"):
    report = {"__type": "Report", "raw": base64.b64encode(line.encode()).decode()}
    (event,) = bot.process_message(report)["output"]
    found[line] = {name: value for name, value in event.items() if name.startswith("source")}
    print(line, "->", found[line])
assert list(found.values()) == [{"source.ip": "192.0.2.1", "source.url": "http://a.example/"}, {"source.ip": "192.0.2.1"}]
PYTHON
