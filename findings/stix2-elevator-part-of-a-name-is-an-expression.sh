#!/usr/bin/env bash
# stix2-elevator 4.1.7 with stix2-matcher 3.0.0: the text of Contains, StartsWith and EndsWith is read as an expression.
#
# These conditions of CybOX compare text. The elevator writes MATCHES with the text as it is, so "." stands for any
# character and brackets for a group: EndsWith ".exe" finds "annexe", and StartsWith "(1)" does not find "(1) bill.pdf".
# (With lxml 5.3 the elevator ends in an AttributeError; lxml 4.9.4 has wheels up to Python 3.12.)
#
# Seen:
#     EndsWith .exe -> [file:name MATCHES '.exe$'] on annexe True
#     StartsWith (1) -> [file:name MATCHES '^(1)'] on (1) bill.pdf False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-elevator==4.1.7 stix2-matcher==3.0.0 \
    lxml==4.9.4 numpy==1.26.4 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import contextlib
import io
import json
import logging

logging.disable(logging.CRITICAL)
from stix2elevator import elevate
from stix2elevator.options import initialize_options
from stix2matcher.matcher import match

PACKAGE = """<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1"
  xmlns:indicator="http://stix.mitre.org/Indicator-2"
  xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:file="http://cybox.mitre.org/objects#FileObject-2"
  xmlns:name="http://cybox.mitre.org/objects#DomainNameObject-1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:example="http://example.com" id="example:Package-5f1d8b8a-0000-4000-8000-000000000001" version="1.2"
  timestamp="2026-01-02T00:00:00Z">
<stix:Indicators><stix:Indicator id="example:indicator-5f1d8b8a-0000-4000-8000-000000000002" %s
  timestamp="2026-01-02T00:00:00Z" xsi:type="indicator:IndicatorType"><indicator:Title>test</indicator:Title>
<indicator:Observable id="example:Observable-5f1d8b8a-0000-4000-8000-000000000003">
<cybox:Object id="example:Object-5f1d8b8a-0000-4000-8000-000000000004">%s</cybox:Object></indicator:Observable>
</stix:Indicator></stix:Indicators></stix:STIX_Package>"""


FILE = """<cybox:Properties xsi:type="file:FileObjectType"><file:File_Name condition="%s">%s</file:File_Name>
</cybox:Properties>"""

def pattern(properties):
    """Return the pattern of the STIX 2 indicator."""
    initialize_options()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        objects = json.loads(elevate(PACKAGE % ("", properties)))["objects"]
    return next(one["pattern"] for one in objects if one["type"] == "indicator")


def matches(made, name):
    """Tell whether the pattern matches a file of that name."""
    times = dict.fromkeys(("first_observed", "last_observed"), "2026-01-02T00:00:00Z")
    seen = {"type": "observed-data", "id": "observed-data--5f1d8b8a-0000-4000-8000-000000000005", "number_observed": 1}
    return bool(match(made, [seen | times | {"objects": {"0": {"type": "file", "name": name}}}]))


for condition, text, name, wanted in (("EndsWith", ".exe", "annexe", False), ("StartsWith", "(1)", "(1) bill.pdf", True)):
    made = pattern(FILE % (condition, text))
    print(condition, text, "->", made, "on", name, matches(made, name))
    assert matches(made, name) is not wanted
PYTHON
