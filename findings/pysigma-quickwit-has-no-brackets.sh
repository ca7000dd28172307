#!/usr/bin/env bash
# pySigma 1.5.1 with its Quickwit backend 0.1.4: a query has no brackets, so "a and (b or c)" is "(a and b) or c".
#
# In the language of Quickwit NOT binds first, then AND, then OR, as in Sigma. The brackets of a rule's condition, and
# those around a selection of several values, are left out. An exception holds for the first of what it names, and the
# others are found by it, with nothing of what the rule looks for. No error tells.
#
# Seen:
#     a and (b or c)        f:"x" AND g:"y" OR h:"z"            finds {'h': 'z'} alone: True
#     a and not (b or c)    f:"x" AND NOT g:"y" OR h:"z"        finds {'h': 'z'} alone: True
#     not (b or c)          NOT g:"y" OR h:"z"                  finds {'h': 'z'} alone: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-quickwit==0.1.4
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.quickwit import QuickwitBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    a: {f: x}
    b: {g: y}
    c: {h: z}
    condition: %s
"""
event = {"h": "z"}
for condition in ("a and (b or c)", "a and not (b or c)", "not (b or c)"):
    (query,) = QuickwitBackend().convert(SigmaCollection.from_yaml(RULE % condition))
    # Python's not, and, or bind as Quickwit's do
    asked = re.sub(r'(\w):"(\w)"', r"event.get('\1') == '\2'", query)
    for word in ("NOT", "AND", "OR"):
        asked = asked.replace(word, word.lower())
    found = eval(asked)
    print(f"{condition:21} {query:35} finds {event} alone:", found)
    assert "(" not in query and found
PYTHON
