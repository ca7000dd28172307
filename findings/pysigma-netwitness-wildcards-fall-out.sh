#!/usr/bin/env bash
# pySigma 2.0.1 with its NetWitness backend 0.3.0: a wildcard within a value is left out, and the rest closes up.
#
# At the beginning and end of a value a star becomes begins, ends or contains, and is right. Anywhere else it vanishes,
# and a "?" everywhere: "svc*.exe" is asked for as 'svc.exe', "user?" as 'user'. The query looks for another name than
# the rule, and neither error nor warning tells. (Python 3.11 or newer.)
#
# Seen:
#     svc*          f begins 'svc'
#     svc*.exe      f = 'svc.exe'
#     user?         f = 'user'
#     a*b*          f = 'ab'
#     [x*y, z]      f = 'xy','z'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==2.0.1 pysigma-backend-netwitness==0.3.0
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.netwitness import NetWitnessBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one:
        f: %s
    condition: one
"""
written = {}
for value in ("svc*", "svc*.exe", "user?", "a*b*", "[x*y, z]"):
    (written[value],) = NetWitnessBackend().convert(SigmaCollection.from_yaml(RULE % value))
    print(f"{value:13} {written[value]}")
assert written == {
    "svc*": "f begins 'svc'", "svc*.exe": "f = 'svc.exe'", "user?": "f = 'user'", "a*b*": "f = 'ab'",
    "[x*y, z]": "f = 'xy','z'",
}
PYTHON
