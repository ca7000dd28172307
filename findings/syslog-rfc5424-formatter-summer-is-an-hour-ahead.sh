#!/usr/bin/env bash
# syslog-rfc5424-formatter 1.2.3: in a zone that keeps UTC in winter, every record of the summer is an hour ahead.
#
# The formatter writes the local clock, and its offset only where the zone has one in winter; elsewhere it writes "Z".
# In London, Dublin and Lisbon "Z" is then wrong from March to October: a record of 12:00Z says 13:00Z, beside those of
# other hosts that say 12:00Z. Zones with an offset in winter are right. (The zone below has its summer time now.)
#
# Seen:
#     east of it, always: ahead by 0.0 h, with an offset
#     as London in summer: ahead by 1.0 h, with Z
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check syslog-rfc5424-formatter==1.2.3
venv/bin/python -W ignore - <<'PYTHON'
import datetime
import logging
import os
import time

from syslog_rfc5424_formatter import RFC5424Formatter

today = time.gmtime().tm_yday
first, last = ((today + days) % 365 + 1 for days in (-60, 60))
seen = {}
for name, zone in (("east of it, always", "EAST-3"), ("as London in summer", f"GMT0BST,J{first}/0,J{last}/0")):
    os.environ["TZ"] = zone
    time.tzset()
    record = logging.LogRecord("misp", logging.INFO, "", 0, "text", (), None)
    written = RFC5424Formatter().format(record).split()[1]
    said = datetime.datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp()
    seen[name] = round((said - record.created) / 3600, 1), written[-1] == "Z"
    print(f"{name}: ahead by {seen[name][0]} h, {'with Z' if seen[name][1] else 'with an offset'}")
assert list(seen.values()) == [(0.0, False), (1.0, True)]
PYTHON
