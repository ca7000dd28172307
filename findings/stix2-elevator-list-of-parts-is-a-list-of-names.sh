#!/usr/bin/env bash
# stix2-elevator 4.1.7: a list under "contains" or "none of" becomes a list of whole values, one of which must be there.
#
# A CybOX value may be a list, with a condition and apply_condition ANY, ALL or NONE (CybOX 2.1, pattern fields). For a
# list the elevator writes IN whatever they say. "Contains both" and "contains one of" find nothing but the two words
# themselves; "none of these names" finds exactly these names. A single value keeps its condition.
# (With lxml 5.3 the elevator ends in an AttributeError; lxml 4.9.4 has wheels up to Python 3.12.)
#
# Seen:
#     Contains ANY bank -> [domain-name:value MATCHES 'bank']
#     Contains ANY bank##comma##pay -> [domain-name:value IN ('bank', 'pay')]
#     Contains ALL bank##comma##pay -> [domain-name:value IN ('bank', 'pay')]
#     Equals NONE a.example##comma##b.example -> [domain-name:value IN ('a.example', 'b.example')]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-elevator==4.1.7 lxml==4.9.4 numpy==1.26.4 \
    setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import contextlib
import io
import json
import logging

logging.disable(logging.CRITICAL)
from stix2elevator import elevate
from stix2elevator.options import initialize_options

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


NAME = """<cybox:Properties xsi:type="name:DomainNameObjectType">
<name:Value condition="%s" apply_condition="%s">%s</name:Value></cybox:Properties>"""

def pattern(properties):
    """Return the pattern of the STIX 2 indicator."""
    initialize_options()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        objects = json.loads(elevate(PACKAGE % ("", properties)))["objects"]
    return next(one["pattern"] for one in objects if one["type"] == "indicator")


made = {}
for condition, apply, value in (
    ("Contains", "ANY", "bank"), ("Contains", "ANY", "bank##comma##pay"), ("Contains", "ALL", "bank##comma##pay"),
    ("Equals", "NONE", "a.example##comma##b.example"),
):
    made[condition, apply, value] = pattern(NAME % (condition, apply, value))
    print(condition, apply, value, "->", made[condition, apply, value])
assert list(made.values()) == [
    "[domain-name:value MATCHES 'bank']", "[domain-name:value IN ('bank', 'pay')]",
    "[domain-name:value IN ('bank', 'pay')]", "[domain-name:value IN ('a.example', 'b.example')]",
]
PYTHON
