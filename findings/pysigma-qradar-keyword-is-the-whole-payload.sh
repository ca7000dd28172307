#!/usr/bin/env bash
# pySigma 1.5.1 with its QRadar backend (community) 0.4.0: a keyword is found only where it is the whole payload.
#
# A keyword, a value without a field, is looked for anywhere in a record. The backend writes LIKE with the word alone,
# and in AQL, as in SQL, that is the whole text: the rule never holds for a real payload. Two keywords of which both
# must be there cannot both hold at all. A field's "contains" gets its percent signs.
#
# Seen:
#     [mimikatz]            LOWER(UTF8(payload)) LIKE 'mimikatz'
#     {'|all': [foo, bar]}  LOWER(UTF8(payload)) LIKE 'foo' AND LOWER(UTF8(payload)) LIKE 'bar'
#     {f|contains: foo}     LOWER(f) LIKE '%foo%'
#     LIKE on 'ran mimikatz.exe': False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 \
    pysigma-backend-qradar-community==0.4.0
venv/bin/python -W ignore - <<'PYTHON'
import sqlite3

from sigma.backends.QRadarAQL import QRadarAQLBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: %s
    condition: one
"""
written = []
for one in ("[mimikatz]", "{'|all': [foo, bar]}", "{f|contains: foo}"):
    (query,) = QRadarAQLBackend().convert(SigmaCollection.from_yaml(RULE % one))
    written.append(query.partition("devicetype=12 AND ")[2])
    print(f"{one:21} {written[-1]}")
assert written == [
    "LOWER(UTF8(payload)) LIKE 'mimikatz'", "LOWER(UTF8(payload)) LIKE 'foo' AND LOWER(UTF8(payload)) LIKE 'bar'",
    "LOWER(f) LIKE '%foo%'",
]
asked = written[0].replace("LOWER(UTF8(payload))", "'ran mimikatz.exe'")
(holds,) = sqlite3.connect(":memory:").execute("SELECT " + asked).fetchone()
print("LIKE on 'ran mimikatz.exe':", bool(holds))
assert not holds
PYTHON
