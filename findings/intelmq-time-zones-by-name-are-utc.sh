#!/usr/bin/env bash
# IntelMQ 3.5.0: a time with the name of a zone is taken for UTC.
#
# Feeds and mails write "2026-01-02 03:04:05 EST" (RFC 5322, 4.3, defines EST, CST, PST and others by their offsets).
# The harmonization of time.source reads date and time, drops the zone and writes +00:00: the moment is hours away from
# the true one. A warning of the library below goes to standard error at most. An offset in numbers is heeded.
#
# Seen:
#     2026-01-02 03:04:05 -0500 is read as 2026-01-02T08:04:05+00:00
#     2026-01-02 03:04:05 EST is read as 2026-01-02T03:04:05+00:00
#     Fri, 02 Jan 2026 03:04:05 PST is read as 2026-01-02T03:04:05+00:00
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
from intelmq.lib.message import Event

read = {}
for time in ("2026-01-02 03:04:05 -0500", "2026-01-02 03:04:05 EST", "Fri, 02 Jan 2026 03:04:05 PST"):
    event = Event()
    event.add("time.source", time)
    read[time] = event["time.source"]
    print(time, "is read as", read[time])
assert list(read.values()) == ["2026-01-02T08:04:05+00:00"] + ["2026-01-02T03:04:05+00:00"] * 2
PYTHON
