#!/usr/bin/env bash
# pySigma 1.5.1 with its Kusto backend 1.0.1: a value with a wildcard within is sought anywhere, and in its capitals only.
#
# Sigma's values are whole and without regard to case. "a*b.exe" becomes "matches regex" without ^ and $: in KQL that is a
# search, and one that minds case. A*B.EXE is not found any more, a.b.exe.bak is. Without a wildcard, or with one at an
# end, the same backend writes =~, startswith and contains, which are right. (Read here by Python's expressions, which
# search as RE2 does.)
#
# Seen:
#     Image =~ "ab.exe"
#     Image matches regex "a.*b\\.exe"
#     of ['a.b.exe', 'A.B.EXE', 'not-a.b.exe.bak'] it finds ['a.b.exe', 'not-a.b.exe.bak']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-kusto==1.0.1
venv/bin/python -W ignore - <<'PYTHON'
import json
import re

from sigma.backends.kusto import KustoBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {Image: %s}
    condition: one
"""
(whole,), (within,) = (
    KustoBackend().convert(SigmaCollection.from_yaml(RULE % value)) for value in ("ab.exe", "a*b.exe")
)
print(whole)
print(within)
expression = json.loads(within.removeprefix("Image matches regex "))
names = ["a.b.exe", "A.B.EXE", "not-a.b.exe.bak"]
found = [name for name in names if re.search(expression, name)]
print("of", names, "it finds", found)
assert whole == 'Image =~ "ab.exe"' and found == ["a.b.exe", "not-a.b.exe.bak"]
PYTHON
