#!/usr/bin/env bash
# pySigma 1.5.1 with its VictoriaLogs backend 0.2.0: "contains" finds whole words, although its page says any part.
#
# The backend's description writes "contains: x" as the expression f:~"x". What it writes is f:"x", a phrase, which in
# LogsQL must begin and end at the border of a word: "shell" is not found in powershell.exe. "endswith" and "re" are
# written as expressions; they find it.
#
# Seen:
#     described: | `field\|contains: x`         | `field:~"x"` (regex)                                     |
#     f|contains: shell           f:"shell"
#     f|endswith: shell.exe       f:~"shell\\.exe$"
#     f|re: shell                 f:~"shell"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-victorialogs==0.2.0
venv/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import metadata

from sigma.backends.victorialogs import VictoriaLogsBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
page = metadata("pysigma-backend-victorialogs").get_payload()
(described,) = [line for line in page.splitlines() if "contains: x" in line]
print("described:", described)
written = []
for one in ("f|contains: shell", "f|endswith: shell.exe", "f|re: shell"):
    written += VictoriaLogsBackend().convert(SigmaCollection.from_yaml(RULE % one))
    print(f"{one:27} {written[-1]}")
assert ':~"x"' in described and written == ['f:"shell"', r'f:~"shell\\.exe$"', 'f:~"shell"']
PYTHON
