#!/usr/bin/env bash
# stix2-slider 4.0.1: a pattern's text is copied to STIX 1 as it stands, with the wildcards of LIKE and with escapes.
#
# LIKE 'a%' is every name that begins with a; in STIX 1 that is condition="StartsWith". The slider writes "a%" and no
# condition, so that a reader compares with a percent sign. A backslash and a quotation mark have a backslash before
# them in a pattern (STIX 2.1, 9.6) and in XML none: the key below exists on no machine. MATCHES becomes FitsPattern and
# is right.
#
# Seen:
#     [file:name LIKE 'a%'] -> File_Name  a%
#     [url:value LIKE 'http://a.example/%'] -> Value  http://a.example/%
#     [url:value MATCHES '^http'] -> Value pattern_type="Regex" condition="FitsPattern" ^http
#     [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software'] -> Key condition="Equals" HKEY_LOCAL_MACHINE\\Software
#     [file:name = 'it\'s.exe'] -> File_Name condition="Equals" it\'s.exe
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-slider==4.0.1 lxml==5.3.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON' >said
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
for pattern in (
    "[file:name LIKE 'a%']", "[url:value LIKE 'http://a.example/%']", "[url:value MATCHES '^http']",
    r"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software']", r"[file:name = 'it\'s.exe']",
):
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000002", "spec_version": "2.0"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        made = str(slide_string(json.dumps(bundle | {"objects": [INDICATOR | {"pattern": pattern}]})))
    ((element, condition, value),) = re.findall(r"<\w+Obj:(\w+)([^>]*)>([^<]+)</\w+Obj", made.replace("\n", " "))
    print(pattern, "->", element, condition.strip(), value)
PYTHON
cat said
diff said - <<'SEEN'
[file:name LIKE 'a%'] -> File_Name  a%
[url:value LIKE 'http://a.example/%'] -> Value  http://a.example/%
[url:value MATCHES '^http'] -> Value pattern_type="Regex" condition="FitsPattern" ^http
[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software'] -> Key condition="Equals" HKEY_LOCAL_MACHINE\\Software
[file:name = 'it\'s.exe'] -> File_Name condition="Equals" it\'s.exe
SEEN
