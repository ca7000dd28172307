#!/usr/bin/env bash
# pySigma 0.11.23 with its backend for pandas 0.6.0: beginnings and ends are found anywhere, so a network finds others.
#
# "startswith", "endswith" and a network, which is written as a beginning, all become "contains". 110.0.2.7 holds the
# text "10.0.2." and is found in 10.0.2.0/24; a.exe.txt is found as what ends in .exe. The queries are run as the
# backend wrote them, by pandas 2.3.3.
#
# Seen:
#     f|cidr: 10.0.2.0/24         finds ['10.0.2.7', '110.0.2.7']
#     f|endswith: .exe            finds ['a.exe', 'a.exe.txt']
#     f|startswith: adm           finds ['admin', 'sysadm']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==0.11.23 pysigma-backend-pd-df==0.6.0 \
    pandas==2.3.3
venv/bin/python -W ignore - <<'PYTHON'
import pandas
from sigma.backends.pd_df import PandasDataFramePythonBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
df = pandas.DataFrame({"f": ["10.0.2.7", "110.0.2.7", "198.51.100.7", "a.exe", "a.exe.txt", "admin", "sysadm"]})
found = {}
for one in ("f|cidr: 10.0.2.0/24", "f|endswith: .exe", "f|startswith: adm"):
    (query,) = PandasDataFramePythonBackend().convert(SigmaCollection.from_yaml(RULE % one))
    found[one] = list(eval(query)["f"])
    print(f"{one:27} finds", found[one])
assert list(found.values()) == [["10.0.2.7", "110.0.2.7"], ["a.exe", "a.exe.txt"], ["admin", "sysadm"]]
PYTHON
