#!/usr/bin/env bash
# PyMISP 2.5.34.4: a GeolocationObject that was told no times is first and last seen now.
#
# first-seen and last-seen of the template "geolocation" say when a place was observed, and neither is required. Left
# out, both become the clock's time when the program ran: an observation that nobody made, on every object of a bulk
# import.
#
# Seen (the times are those of the run):
#     told: ['latitude', 'longitude']
#     kept: ['first-seen', 'last-seen', 'latitude', 'longitude'] seconds ago: [0, 0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python -W ignore - <<'PYTHON'
from datetime import datetime

from pymisp.tools import GeolocationObject

told = {"latitude": "48.2", "longitude": "16.4"}
print("told:", sorted(told))
kept = {one.object_relation: one.value for one in GeolocationObject(dict(told)).attributes}
ages = [round((datetime.now() - kept[name]).total_seconds()) for name in ("first-seen", "last-seen")]
print("kept:", sorted(kept), "seconds ago:", ages)
assert all(age < 600 for age in ages)
PYTHON
