#!/usr/bin/env bash
# PyMISP 2.5.34.4: seconds since 1970 become the local clock's time, and the zone is left out.
#
# Fail2BanObject and the other generators take a time as a Unix timestamp. What is sent to MISP has no zone, and is the
# time of the machine's own zone: two sensors report the same moment as two, nine hours apart, and nothing in the event
# tells which is which. A timestamp names a moment, whatever the zone (POSIX, "Seconds Since the Epoch").
#
# Seen:
#     UTC: 2026-01-02T00:00:00
#     Asia/Tokyo: 2026-01-02T09:00:00
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python -W ignore - <<'PYTHON'
import json
import os
import time

from pymisp.tools import Fail2BanObject

seen = []
for zone in ("UTC", "Asia/Tokyo"):
    os.environ["TZ"] = zone
    time.tzset()
    made = Fail2BanObject({"banned-ip": "192.0.2.1", "attack-type": "ssh", "processing-timestamp": "1767312000"})
    (when,) = [one for one in made.attributes if one.object_relation == "processing-timestamp"]
    seen.append(json.loads(when.to_json())["value"])
    print(f"{zone}: {seen[-1]}")
assert seen == ["2026-01-02T00:00:00", "2026-01-02T09:00:00"]
PYTHON
