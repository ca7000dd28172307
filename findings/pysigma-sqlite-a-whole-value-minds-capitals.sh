#!/usr/bin/env bash
# pySigma 2.0.1 with its SQLite backend 2.1.1: the same rule minds capitals or not, depending on a backslash in its value.
#
# Sigma compares without regard to case unless "cased" is asked for. A whole value becomes "=", which in SQLite minds it: a
# rule for cmd.exe does not find CMD.EXE, as Windows writes it at times. A value with a wildcard or a backslash becomes LIKE,
# which does not. Converted for Splunk or Loki the rule finds both. (Python 3.11 or newer.)
#
# Seen:
#     Image: cmd.exe -> Image='cmd.exe' finds cmd.exe
#     Image: 'C:\cmd.exe' -> Image LIKE 'C:\\cmd.exe' ESCAPE '\' finds C:\cmd.exe C:\CMD.EXE
#     Image|endswith: cmd.exe -> Image LIKE '%cmd.exe' ESCAPE '\' finds cmd.exe CMD.EXE C:\cmd.exe C:\CMD.EXE
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==2.0.1 pysigma-backend-sqlite==2.1.1
venv/bin/python -W ignore - <<'PYTHON'
import sqlite3

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

RULE = r"""
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
LOG = ["cmd.exe", "CMD.EXE", r"C:\cmd.exe", r"C:\CMD.EXE"]
found = {}
for wanted in ("Image: cmd.exe", r"Image: 'C:\cmd.exe'", "Image|endswith: cmd.exe"):
    (query,) = sqliteBackend().convert(SigmaCollection.from_yaml(RULE % wanted))
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE logs (Image TEXT)")
    base.executemany("INSERT INTO logs VALUES (?)", [(one,) for one in LOG])
    found[wanted] = [one for (one,) in base.execute(query.replace("<TABLE_NAME>", "logs"))]
    print(wanted, "->", query.partition(" WHERE ")[2], "finds", *found[wanted])
assert list(found.values()) == [["cmd.exe"], LOG[2:], LOG]
PYTHON
