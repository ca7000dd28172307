#!/usr/bin/env bash
# IntelMQ 3.5.0: a URL in the intelligence file for Zeek has its scheme, a form that Zeek does not compare.
#
# Zeek's Intel::URL is a URL without "http://" before it (base/frameworks/intel in Zeek's documentation). The bro_file
# output writes source.url as it is, and an IntelMQ URL always has a scheme: the line is loaded, and no request equals
# it. Addresses and names of the same file are as Zeek wants them.
#
# Seen:
#     [['a.example', 'Intel::DOMAIN'], ['http://a.example/x?y=z', 'Intel::URL']]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging
import pathlib

logging.disable(logging.CRITICAL)
from intelmq.bots.outputs.bro_file.output import BroFileOutputBot
from intelmq.lib.bot import BotLibSettings

written = pathlib.Path("intel.dat").absolute()
bot = BroFileOutputBot("bro", settings=BotLibSettings | {"file": str(written)})
event = {"__type": "Event", "feed.accuracy": 100.0, "feed.provider": "feed", "classification.type": "c2-server"}
bot.process_message(event | {"source.url": "http://a.example/x?y=z", "source.fqdn": "a.example"})
lines = [line.split("\t")[:2] for line in written.read_text().splitlines()[1:]]
print(lines)
assert ["http://a.example/x?y=z", "Intel::URL"] in lines
PYTHON
