#!/usr/bin/env bash
# PyMISP 2.5.34.4: an attribute whose to_ids is the text "false" is loaded as one for detection.
#
# MISP writes booleans as true, 1 or "1", and PyMISP reads "0" as false. Any other text counts as true, "false" as well:
# what a form or a spreadsheet wrote as "false" goes into blocklists. Nothing is said.
#
# Seen:
#     False is read as False
#     '0' is read as False
#     'false' is read as True
#     'False' is read as True
#     'no' is read as True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python - <<'PYTHON'
from pymisp import MISPEvent

for written in (False, "0", "false", "False", "no"):
    event = MISPEvent()
    event.load({"Event": {"info": "x", "Attribute": [{"type": "ip-dst", "value": "198.51.100.7", "to_ids": written}]}})
    print(f"{written!r} is read as {event.attributes[0].to_ids}")
    assert event.attributes[0].to_ids == (written not in (False, "0"))
PYTHON
