#!/usr/bin/env bash
# csirtg-indicator 3.0.0: a URL is put into small letters, path and query with the host.
#
# In a URL scheme and host may be written either way; the rest may not (RFC 3986, 6.2.2.1). An indicator of this library
# has no capitals at all: a short link leads elsewhere, a token in a query is another, and no log that is compared with
# it has such a URL. A description loses its capitals, too.
#
# Seen:
#     given: https://A.example/Xy7Q?token=aGVsbG8
#     kept:  https://a.example/xy7q?token=agvsbg8
#     given: seen by CERT Example
#     kept:  seen by cert example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check csirtg-indicator==3.0.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import json

from csirtg_indicator import Indicator

given = {"indicator": "https://A.example/Xy7Q?token=aGVsbG8", "description": "seen by CERT Example"}
kept = json.loads(str(Indicator(**given)))
for name, value in given.items():
    print("given:", value)
    print("kept: ", kept[name])
    assert kept[name] == value.lower()
PYTHON
