#!/usr/bin/env bash
# stix2-slider 4.0.1: NOT and != of a pattern are dropped on the way to STIX 1.
#
# [ipv4-addr:value NOT = '198.51.100.7'], all addresses but this one, becomes the address with condition="Equals":
# exactly what was excepted. So it is with != and for domain names. CybOX has DoesNotEqual for it. The schema finds
# nothing amiss, and none of the slider's messages tells.
#
# Seen:
#     ipv4-addr = [('Address_Value', ' condition="Equals"', '198.51.100.7')] NOT = [('Address_Value', ' condition="Equals"', '198.51.100.7')] != [('Address_Value', ' condition="Equals"', '198.51.100.7')]
#     domain-name = [('Value', '', 'a.example')] NOT = [('Value', '', 'a.example')] != [('Value', '', 'a.example')]
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


for kind, value in (("ipv4-addr", "198.51.100.7"), ("domain-name", "a.example")):
    made = [slid(f"[{kind}:value {operator} '{value}']") for operator in ("=", "NOT =", "!=")]
    print(kind, "=", made[0], "NOT =", made[1], "!=", made[2])
    assert made[0] == made[1] == made[2] and len(made[0]) == 1
PYTHON
