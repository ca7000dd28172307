#!/usr/bin/env bash
# pySigma 1.5.1 with its backends for Kusto 1.0.1, Expr 1.0.0 and VictoriaLogs 0.2.0: a star in a value opens its ends.
#
# "svc*.exe" is a whole name in Sigma. These backends write it as a regular expression without begin and end, which
# their targets look for anywhere in the field: mysvc1.exe.txt is found too.
#
# Seen:
#     kusto: f matches regex "svc.*\\.exe"
#     expr:  f matches "svc.*\\.exe"
#     vlogs: f:~"svc.*\\.exe"
#     expression finds: ['svc1.exe', 'mysvc1.exe.txt']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-kusto==1.0.1 \
    pysigma-backend-golangexpr==1.0.0 pysigma-backend-victorialogs==0.2.0
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.golangexpr import GolangExprBackend
from sigma.backends.kusto import KustoBackend
from sigma.backends.victorialogs import VictoriaLogsBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {f: svc*.exe}
    condition: one
"""
expressions = set()
for name, backend in (("kusto:", KustoBackend), ("expr: ", GolangExprBackend), ("vlogs:", VictoriaLogsBackend)):
    (query,) = backend().convert(SigmaCollection.from_yaml(RULE))
    print(name, query)
    expressions.add(re.search('"(.*)"', query)[1].replace("\\\\", "\\"))
(expression,) = expressions
found = [one for one in ("svc1.exe", "mysvc1.exe.txt", "cmd.exe") if re.search(expression, one)]
print("expression finds:", found)
assert found == ["svc1.exe", "mysvc1.exe.txt"]
PYTHON
