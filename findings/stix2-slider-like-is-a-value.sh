#!/usr/bin/env bash
# stix2-slider 4.0.1: LIKE of a pattern becomes a bare value with its wildcard in it.
#
# LIKE 'a%' is every name that begins with a. In STIX 1 that is condition="StartsWith"; the slider writes "a%" and no
# condition, so that a reader compares with a percent sign. MATCHES becomes FitsPattern and is right. For "contains"
# and "ends with", '%x%' and '%x', it is the same.
#
# Seen:
#     [file:name LIKE 'a%'] -> File_Name  a%
#     [url:value LIKE 'http://a.example/%'] -> Value  http://a.example/%
#     [url:value MATCHES '^http'] -> Value pattern_type="Regex" condition="FitsPattern" ^http
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-slider==4.0.1 lxml==5.3.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import contextlib
import io
import json
import logging
import re
import sys

logging.disable(logging.CRITICAL)
from stix2slider import slide_string
from stix2slider.options import initialize_options

sys.argv = ["slider"]
initialize_options()
INDICATOR = {
    "type": "indicator", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000001", "labels": ["malicious-activity"],
    "created": "2026-01-02T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "valid_from": "2026-01-02T00:00:00Z",
}


def slid(pattern):
    """Return what STIX 1 compares: the elements with a value, and their conditions."""
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000002", "spec_version": "2.0"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        made = str(slide_string(json.dumps(bundle | {"objects": [INDICATOR | {"pattern": pattern}]})))
    return re.findall(r"<\w+Obj:(\w+)([^>]*)>([^<]+)</\w+Obj", made.replace("\n", " "))


made = {}
for pattern in ("[file:name LIKE 'a%']", "[url:value LIKE 'http://a.example/%']", "[url:value MATCHES '^http']"):
    ((element, condition, value),) = slid(pattern)
    made[pattern] = condition.strip(), value
    print(pattern, "->", element, *made[pattern])
assert list(made.values()) == [
    ("", "a%"), ("", "http://a.example/%"), ('pattern_type="Regex" condition="FitsPattern"', "^http"),
]
PYTHON
