#!/usr/bin/env bash
# PyMISP 2.5.34.4 with pyfaup-rs 0.4.27: the object of a URL with an IP address has the domain "None", for detection.
#
# URLObject asks pyfaup for the domain of the host, and writes what comes back as text. An address has none, so the
# attribute of type domain is the word None, with to_ids set: it correlates all such events with each other, and stands
# in every list made of domains. Without pyfaup (the extra [url]) there is no such attribute.
#
# Seen:
#     [('url', 'http://192.0.2.1/x', True), ('host', '192.0.2.1', True), ('domain', 'None', True)]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[url]==2.5.34.4' pyfaup-rs==0.4.27
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import URLObject

seen = [(one.object_relation, one.value, one.to_ids) for one in URLObject("http://192.0.2.1/x").attributes]
print(seen)
assert ("domain", "None", True) in seen
PYTHON
