#!/usr/bin/env bash
# stix2-slider 4.0.1: a backslash of a registry key arrives in STIX 1 twice, and a quote with a backslash before it.
#
# In a STIX pattern both are written with a backslash before them (STIX 2.1, 9.6), in XML they are not. The slider copies
# the text between the quotes: the key HKEY_LOCAL_MACHINE\\Software of the XML exists on no machine.
#
# Seen:
#     [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software'] -> Key HKEY_LOCAL_MACHINE\\Software
#     [file:name = 'it\'s.exe'] -> File_Name it\'s.exe
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


made = []
for pattern in (r"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software']", r"[file:name = 'it\'s.exe']"):
    ((element, condition, value),) = slid(pattern)
    made.append(value)
    print(pattern, "->", element, value)
assert made == [r"HKEY_LOCAL_MACHINE\\Software", r"it\'s.exe"]
PYTHON
