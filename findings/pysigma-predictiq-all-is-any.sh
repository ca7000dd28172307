#!/usr/bin/env bash
# pySigma 0.11.23 with its PredictIQ backend 0.1.1: "all of these" is written like "any of these".
#
# "contains|all: [enc, hidden]" holds in Sigma where both are there. The query is the same as for "contains": f IN a
# list, one of which suffices. In that list the stars stand among values that have lost their quotes, while a single
# value is written with CONTAINS. A rule that was narrow by its "all" finds every record with one of the words.
#
# Seen:
#     f|contains: enc                   where(f CONTAINS "enc")
#     f|contains: [enc, hidden]         where(f IN [*enc*, *hidden*])
#     f|contains|all: [enc, hidden]     where(f IN [*enc*, *hidden*])
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==0.11.23 pysigma-backend-predictiq==0.1.1
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.predictiq import PredictIQBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
written = []
for one in ("f|contains: enc", "f|contains: [enc, hidden]", "f|contains|all: [enc, hidden]"):
    written += PredictIQBackend().convert(SigmaCollection.from_yaml(RULE % one))
    print(f"{one:33} {written[-1]}")
assert written == ['where(f CONTAINS "enc")', "where(f IN [*enc*, *hidden*])", "where(f IN [*enc*, *hidden*])"]
PYTHON
