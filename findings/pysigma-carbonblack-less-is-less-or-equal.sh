#!/usr/bin/env bash
# pySigma 1.5.1 with its Carbon Black backend 0.1.14: "less than" is "less than or equal", and "greater" likewise.
#
# The query has a range in square brackets, whose ends belong to it, for lt as for lte. A rule for more than five tries
# finds five; its "not" leaves five out. Round brackets or another number would say what the rule says.
#
# Seen:
#     f|lt: 5      f:[* TO 5]
#     f|lte: 5     f:[* TO 5]
#     f|gt: 5      f:[5 TO *]
#     f|gte: 5     f:[5 TO *]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-carbonblack==0.1.14
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.carbonblack import CarbonBlackBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
written = []
for one in ("f|lt: 5", "f|lte: 5", "f|gt: 5", "f|gte: 5"):
    written += CarbonBlackBackend().convert(SigmaCollection.from_yaml(RULE % one))
    print(f"{one:12} {written[-1]}")
assert written == ["f:[* TO 5]", "f:[* TO 5]", "f:[5 TO *]", "f:[5 TO *]"]
PYTHON
