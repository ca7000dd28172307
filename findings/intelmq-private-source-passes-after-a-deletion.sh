#!/usr/bin/env bash
# IntelMQ 3.5.0: an event from a private address passes the RFC 1918 expert if its destination is private, too.
#
# By default the bot deletes a private destination.ip and drops events with a private source.ip ("del,drop,drop"). After a
# deletion it looks at no further field: traffic within a network, where both ends are private, is the one kind that it
# lets through, with the private source that was to be dropped. With source.ip named first in "fields" it is dropped.
#
# Seen:
#     192.168.1.1 to 9.9.9.9: []
#     192.168.1.1 to 10.0.0.1: [{'source.ip': '192.168.1.1'}]
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


def passed(**fields):
    """Return what leaves the bot for an event with these fields."""
    event = {"__type": "Event"} | {name.replace("_", "."): value for name, value in fields.items()}
    return [dict(sent) for sent in bot.process_message(event)["output"]]


within = passed(destination_ip="10.0.0.1", source_ip="192.168.1.1")
out = passed(destination_ip="9.9.9.9", source_ip="192.168.1.1")
print("192.168.1.1 to 9.9.9.9:", out)
print("192.168.1.1 to 10.0.0.1:", within)
assert out == [] and within == [{"source.ip": "192.168.1.1"}]
PYTHON
