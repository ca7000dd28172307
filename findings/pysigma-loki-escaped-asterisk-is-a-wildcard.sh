#!/usr/bin/env bash
# pySigma 1.5.1 with its Loki backend 0.15.1: an asterisk that is meant as one becomes a backslash and anything.
#
# In a Sigma value a wildcard with a backslash before it is the character itself. The backend puts the value into a
# regular expression with a backslash for the backslash and ".*" for the asterisk: it does not find "net user * /add",
# for which the rule was written, but any text with a backslash at that place. (Read here by Python's expressions.)
#
# Seen:
#     ^net\ user\ \\.*\ /add$
#     {'net user * /add': False, 'net user \\x /add': True}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-loki==0.15.1
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.loki import LogQLBackend
from sigma.collection import SigmaCollection

RULE = r"""
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {CommandLine: 'net user \* /add'}
    condition: one
"""
(query,) = LogQLBackend().convert(SigmaCollection.from_yaml(RULE))
expression = query.partition("=~`(?i)")[2].rstrip("`")
print(expression)
found = {line: bool(re.search(expression, line, re.I)) for line in ("net user * /add", r"net user \x /add")}
print(found)
assert list(found.values()) == [False, True]
PYTHON
