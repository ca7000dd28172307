#!/usr/bin/env bash
# pySigma 1.5.1 with its Google SecOps backend 1.0.0: "not" of a rule is dropped, or turns "neither" into "not both".
#
# The backend writes != instead of NOT, for texts only. Before a network, a number, an absent field, several fields or
# several parts of one it writes the same query with "not" as without. "neither" becomes two != with OR between them,
# which hold for nearly everything. What a rule excepts is then what it finds, or the exception excepts nothing.
#
# Seen:
#     f|cidr: 192.0.2.0/24      not: net.ip_in_range_cidr(f, "192.0.2.0/24")
#     f|gte: 5                  not: f >= 5
#     f: null                   not: f = ""
#     {f: x, g: y}              not: f = "x" nocase AND g = "y" nocase
#     f|contains|all: [p, q]    not: f = /p/ nocase AND f = /q/ nocase
#     f: x                      not: f != "x" nocase
#     neither x nor y: (f != "x" nocase OR g != "y" nocase)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-secops==1.0.0
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.secops import SecOpsBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: %s
    two: {g: y}
    condition: %s
"""


def query(one, condition):
    (written,) = SecOpsBackend().convert(SigmaCollection.from_yaml(RULE % (one, condition)))
    return written


for one in ("f|cidr: 192.0.2.0/24", "f|gte: 5", "f: null", "{f: x, g: y}", "f|contains|all: [p, q]", "f: x"):
    mapping = one if one.startswith("{") else "{%s}" % one
    plain, negated = query(mapping, "one"), query(mapping, "not one")
    print(f"{one:25} not: {negated}")
    assert (plain == negated) == (one != "f: x")
neither = query("{f: x}", "not (one or two)")
print("neither x nor y:", neither)
assert neither == '(f != "x" nocase OR g != "y" nocase)'
PYTHON
