#!/usr/bin/env bash
# pySigma 1.5.1 with its Splunk backend 2.1.0: two regular expressions for one field become no query at all.
#
# "|re|all" wants every expression of a list to hold (Sigma, modifiers). Splunk's regex command takes one field, so the
# backend puts them off to the end of the search, and there they are lost: convert() answers with an empty list, as for
# a collection without rules, and the error list is empty, too. A job that deploys what comes back deploys nothing.
#
# Seen:
#     CommandLine|re 'a.b' -> ['*\n| regex CommandLine="a.b"'] errors: []
#     CommandLine|re|all ['a.b', 'c.d'] -> [] errors: []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-splunk==2.1.0
venv/bin/python -W ignore - <<'PYTHON'
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s: %s}
    condition: one
"""
made = {}
for field, wanted in (("CommandLine|re", "'a.b'"), ("CommandLine|re|all", "['a.b', 'c.d']")):
    backend = SplunkBackend(collect_errors=True)
    made[field] = backend.convert(SigmaCollection.from_yaml(RULE % (field, wanted)))
    print(field, wanted, "->", made[field], "errors:", backend.errors)
    assert backend.errors == []
assert made == {"CommandLine|re": ['*\n| regex CommandLine="a.b"'], "CommandLine|re|all": []}
PYTHON
