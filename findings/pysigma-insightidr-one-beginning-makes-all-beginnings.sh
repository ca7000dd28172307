#!/usr/bin/env bash
# pySigma 0.11.23 with its InsightIDR backend 0.2.4: one wildcard in a list gives all its values one.
#
# "f: [adm*, root]" holds for what begins with adm, and for root itself. The backend takes one operator for the whole
# list, by the first value that has a wildcard, and drops the stars: rootkit and root2 are found as well. With a star in
# front or at both ends every value becomes an end, or a part.
#
# Seen:
#     [admin, root]      f IIN ["admin", "root"]
#     [adm*, root]       f ISTARTS-WITH-ANY ["adm", "root"]
#     ['*adm*', root]    f ICONTAINS-ANY ["adm", "root"]
#     ['*adm', root]     f=/(.*adm$|.*root$)/i
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==0.11.23 pysigma-backend-insightidr==0.2.4
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.insight_idr import InsightIDRBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {f: %s}
    condition: one
"""
written = []
for values in ("[admin, root]", "[adm*, root]", "['*adm*', root]", "['*adm', root]"):
    written += InsightIDRBackend().convert(SigmaCollection.from_yaml(RULE % values))
    print(f"{values:18} {written[-1]}")
assert written == [
    'f IIN ["admin", "root"]', 'f ISTARTS-WITH-ANY ["adm", "root"]', 'f ICONTAINS-ANY ["adm", "root"]',
    "f=/(.*adm$|.*root$)/i",
]
PYTHON
