#!/usr/bin/env bash
# IntelMQ 3.5.0: the RFC 1918 expert lets a URL of a private address pass when it names a port.
#
# The bot drops events whose source.url is at a private, documentation or local address or name. It compares what stands
# between "//" and "/" as a whole, so a port, a user or the brackets of IPv6 make it none of them: URLs of malware are often
# on ports of their own.
#
# Seen:
#     http://192.168.1.1/x dropped
#     http://192.168.1.1:8080/x passed
#     http://a.example/x dropped
#     http://a.example:8080/x passed
#     http://[fe80::1]/x passed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging

logging.disable(logging.CRITICAL)
from intelmq.bots.experts.rfc1918.expert import RFC1918ExpertBot
from intelmq.lib.bot import BotLibSettings

bot = RFC1918ExpertBot("rfc1918", settings=BotLibSettings)
passed = {}
for place in ("192.168.1.1", "192.168.1.1:8080", "a.example", "a.example:8080", "[fe80::1]"):
    url = f"http://{place}/x"
    passed[url] = bool(bot.process_message({"__type": "Event", "source.url": url})["output"])
    print(url, "passed" if passed[url] else "dropped")
assert list(passed.values()) == [False, True, False, True, True]
PYTHON
