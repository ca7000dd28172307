#!/usr/bin/env bash
# pySigma 1.5.1 with its Quickwit backend 0.1.4: a value with a blank is several values once it stands in a list.
#
# Alone a value is written in quotes. In a list it is written bare, between brackets, where Quickwit parts the values at
# blanks: "net user /add" is then any of "net", "user" and "/add". Every record whose field is "user" matches the rule,
# and the command that was meant does not.
#
# Seen:
#     alone:   f:"net user /add"
#     in list: f:IN [net user /add whoami]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-quickwit==0.1.4
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.quickwit import QuickwitBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {f: %s}
    condition: one
"""
(alone,) = QuickwitBackend().convert(SigmaCollection.from_yaml(RULE % "net user /add"))
(listed,) = QuickwitBackend().convert(SigmaCollection.from_yaml(RULE % "[net user /add, whoami]"))
print("alone:  ", alone)
print("in list:", listed)
assert alone == 'f:"net user /add"' and listed == "f:IN [net user /add whoami]"
PYTHON
