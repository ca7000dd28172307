#!/usr/bin/env bash
# stix2-elevator 4.1.7: an indicator that is negated becomes one that is not.
#
# In STIX 1.x negate="true" on an indicator says that what it describes must be absent. The elevator writes the same
# STIX 2 pattern with it as without. What was the sign of a clean machine is the sign of an infected one, and no message
# tells. (With lxml 5.3 the elevator ends in an AttributeError; lxml 4.9.4 has wheels up to Python 3.12.)
#
# Seen:
#     plain: [("[domain-name:value = 'a.example']", '')]
#     negated: [("[domain-name:value = 'a.example']", '')]
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

NAME = """<cybox:Properties xsi:type="name:DomainNameObjectType"><name:Value condition="Equals">a.example</name:Value>
</cybox:Properties>"""


def pattern(attributes):
    """Return the pattern of the STIX 2 indicator, and what was said about it."""
    initialize_options()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        objects = json.loads(elevate(PACKAGE % (attributes, NAME)))["objects"]
    return [(one["pattern"], one.get("description", "")) for one in objects if one["type"] == "indicator"]


plain, negated = pattern(""), pattern('negate="true"')
print("plain:", plain)
print("negated:", negated)
assert plain == negated == [("[domain-name:value = 'a.example']", "")]
PYTHON
