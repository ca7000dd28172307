#!/usr/bin/env bash
# python-logstash-async 4.1.0: a time with its zone is taken for one of the local clock, and a day for the day before.
#
# Values of "extra" that are times are written in UTC. The zone that a time brings is thrown away and that of the
# process is put in its place: noon in UTC, logged in Tokyo, is 03:00Z. A date becomes midnight of the local clock in
# UTC, which east of Greenwich is the day before. The record's own @timestamp is right beside it.
#
# Seen:
#     2026-01-02 12:00:00+00:00 -> 2026-01-02T03:00:00.000Z
#     2026-01-02 -> 2026-01-01T15:00:00.000Z
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check python-logstash-async==4.1.0
TZ=JST-9 venv/bin/python -W ignore - <<'PYTHON'
import datetime
import json
import logging

from logstash_async.formatter import LogstashFormatter

times = {
    "first_seen": datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.timezone.utc),
    "published": datetime.date(2026, 1, 2),
}
record = logging.getLogger("misp").makeRecord("misp", logging.INFO, "", 0, "text", (), None, extra=times)
written = json.loads(LogstashFormatter().format(record))["extra"]
for name, value in times.items():
    print(value, "->", written[name])
assert written["first_seen"] == "2026-01-02T03:00:00.000Z" and written["published"] == "2026-01-01T15:00:00.000Z"
PYTHON
