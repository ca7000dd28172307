#!/usr/bin/env bash
# pysyslogclient 0.1.1: a time in New York is sent as one that is ahead of UTC, and lies a day off.
#
# The offset of the local clock is taken from the seconds of a difference, which are never negative, and cut to the
# hour: five hours behind becomes eighteen or nineteen ahead. India's half hour is cut off. The colon that RFC 3339
# wants is missing. Only a time that the caller gives is written so; where none is given the client takes UTC and is
# right.
#
# Seen:
#     in New York: ahead of UTC
#     in India: whole hours
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysyslogclient==0.1.1
venv/bin/python -W ignore - <<'PYTHON'
import datetime
import os
import re
import socket
import time

import pysyslogclient

listening = socket.socket(type=socket.SOCK_DGRAM)
listening.bind(("127.0.0.1", 0))
listening.settimeout(10)
client = pysyslogclient.SyslogClientRFC5424("127.0.0.1", listening.getsockname()[1])
offsets = {}
for zone in ("EST5", "IST-5:30"):
    os.environ["TZ"] = zone
    time.tzset()
    client.log("text", hostname="host", program="misp", timestamp=datetime.datetime(2026, 1, 2, 12))
    (offsets[zone],) = re.findall(r"12:00:00\.000000([+-]\d+) ", listening.recv(2000).decode())
print("in New York:", "ahead of UTC" if offsets["EST5"] in ("+1800", "+1900") else offsets["EST5"])
print("in India:", "whole hours" if offsets["IST-5:30"] == "+0500" else offsets["IST-5:30"])
assert offsets["EST5"] in ("+1800", "+1900") and offsets["IST-5:30"] == "+0500"
PYTHON
