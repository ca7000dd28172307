#!/usr/bin/env bash
# cpe 1.3.1: a name with "?" at its beginning is disjoint from every other, at its end it is not.
#
# An unquoted "?" of CPE 2.3 stands for one character or none, at the beginning of a value as at its end (NISTIR 7696,
# name matching). The comparison counts those at the end only: in front a star works, and question marks make of the
# name one that contains nothing, not even what it was written for.
#
# Seen:
#     app? contains app1: True, disjoint: False
#     ?app contains 1app: False, disjoint: True
#     *app contains 1app: True, disjoint: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cpe==1.3.1
venv/bin/python -W ignore - <<'PYTHON'
from cpe.cpe2_3_wfn import CPE2_3_WFN
from cpe.cpeset2_3 import CPESet2_3


def name(product):
    rest = ("version", "update", "edition", "language", "sw_edition", "target_sw", "target_hw", "other")
    return CPE2_3_WFN(f'wfn:[part="a", vendor="v", product="{product}", ' + ", ".join(f"{one}=ANY" for one in rest) + "]")


results = []
for pattern, product in (("app?", "app1"), ("?app", "1app"), ("*app", "1app")):
    contains = CPESet2_3.cpe_superset(name(pattern), name(product))
    disjoint = CPESet2_3.cpe_disjoint(name(pattern), name(product))
    print(f"{pattern} contains {product}: {contains}, disjoint: {disjoint}")
    results.append((contains, disjoint))
assert results == [(True, False), (False, True), (True, False)]
PYTHON
