#!/usr/bin/env bash
# PyMISP 2.5.34.4: an object made of parameters leaves out those that are the number 0.
#
# The generators of PyMISP (geolocation, ASN, fail2ban and others) take a dictionary of values. A value that is 0 counts
# as none: a place on the Greenwich meridian or the equator loses a coordinate, and "no failures" is not said. As text,
# "0" stays. Nothing is told, and strict=True does not mind either.
#
# Seen:
#     {'latitude': 51.5, 'longitude': 0}: ['latitude']
#     {'latitude': '51.5', 'longitude': '0'}: ['latitude', 'longitude']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import GeolocationObject

seen = []
for told in ({"latitude": 51.5, "longitude": 0}, {"latitude": "51.5", "longitude": "0"}):
    made = GeolocationObject(dict(told), strict=True)
    seen.append(sorted(one.object_relation for one in made.attributes if one.object_relation in told))
    print(f"{told}: {seen[-1]}")
assert seen == [["latitude"], ["latitude", "longitude"]]
PYTHON
