#!/usr/bin/env bash
# pySigma 1.5.1 with its CrowdStrike LogScale backend 3.0.0: a keyword is found only between quotation marks.
#
# Keywords, values without a field, are looked for anywhere in a record. The backend writes them as a regular expression
# with the quotes of a text inside it, so that a record must hold "mimikatz" with its quotes. So it is with
# "contains|cased". A field's own values are right.
#
# Seen:
#     keywords [mimikatz]    /"mimikatz"/i
#     f|contains: mimi       f=/mimi/i
#     f|contains|cased: mimi f=/"mimi"/
#     the first finds: ['ran "mimikatz"'] of ['ran mimikatz', 'ran "mimikatz"']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-crowdstrike==3.0.0
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.crowdstrike import LogScaleBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    keywords: %s
    condition: keywords
"""
written = {}
for name, one in (
    ("keywords [mimikatz]", "[mimikatz]"), ("f|contains: mimi", "{f|contains: mimi}"),
    ("f|contains|cased: mimi", "{f|contains|cased: mimi}"),
):
    (written[name],) = LogScaleBackend().convert(SigmaCollection.from_yaml(RULE % one))
    print(f"{name:22} {written[name]}")
expression = re.fullmatch("/(.*)/i", written["keywords [mimikatz]"])[1]
lines = ["ran mimikatz", 'ran "mimikatz"']
found = [line for line in lines if re.search(expression, line, re.IGNORECASE)]
print("the first finds:", found, "of", lines)
assert found == ['ran "mimikatz"'] and written["f|contains: mimi"] == "f=/mimi/i"
assert written["f|contains|cased: mimi"] == 'f=/"mimi"/'
PYTHON
