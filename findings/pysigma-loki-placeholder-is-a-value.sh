#!/usr/bin/env bash
# pySigma 1.5.1 with its Loki backend 0.15.1: a placeholder that nobody filled in is searched for as it stands.
#
# "|expand" marks names between percent signs that the user has to fill in by a pipeline, such as %administrators%. Left
# open, pySigma's backends refuse the rule (SigmaPlaceholderError). The Loki backend converts it: the query
# looks for the word between its percent signs, finds nothing, and as an exception ("not") excepts nobody.
#
# Seen:
#     SplunkBackend SigmaPlaceholderError
#     LogQLBackend User=~`(?i)^%administrators%$`
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-loki==0.15.1 \
    pysigma-backend-splunk==2.1.0
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.loki import LogQLBackend
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {User|expand: '%administrators%'}
    condition: one
"""
said = {}
for backend in (SplunkBackend, LogQLBackend):
    try:
        said[backend] = backend().convert(SigmaCollection.from_yaml(RULE))[0].partition("| json | ")[2]
    except Exception as error:
        said[backend] = type(error).__name__
    print(backend.__name__, said[backend])
assert list(said.values()) == ["SigmaPlaceholderError", "User=~`(?i)^%administrators%$`"]
PYTHON
