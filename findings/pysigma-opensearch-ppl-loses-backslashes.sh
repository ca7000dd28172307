#!/usr/bin/env bash
# pySigma 1.5.1 with its OpenSearch backend 2.0.3: in a PPL query the backslashes of a path are gone.
#
# C:\Windows\cmd.exe is asked for as C:Windowscmd.exe, and a part of a path, \Temp\, as Temp. What is found is nothing,
# or anything with these letters in it. The same backend writes Lucene queries, in which they are there.
#
# Seen:
#     PPL:    where f="C:Windowscmd.exe"
#     Lucene: f:C\:\\Windows\\cmd.exe
#     PPL:    where LIKE(f, "%Temp%")
#     Lucene: f:*\\Temp\\*
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-opensearch==2.0.3
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.opensearch import OpensearchLuceneBackend, OpenSearchPPLBackend
from sigma.collection import SigmaCollection

RULE = r"""
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
written = []
for one in (r"f: 'C:\Windows\cmd.exe'", r"f|contains: '\Temp\'"):
    for name, backend in (("PPL:   ", OpenSearchPPLBackend), ("Lucene:", OpensearchLuceneBackend)):
        (query,) = backend().convert(SigmaCollection.from_yaml(RULE % one))
        written.append(query.rpartition(" | ")[2])
        print(name, written[-1])
assert written == [
    'where f="C:Windowscmd.exe"', r"f:C\:\\Windows\\cmd.exe", 'where LIKE(f, "%Temp%")', r"f:*\\Temp\\*",
]
PYTHON
