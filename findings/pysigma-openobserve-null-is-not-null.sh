#!/usr/bin/env bash
# pySigma 0.11.23 with its OpenObserve backend 0.1.0: a rule for a field that is absent finds the records that have it.
#
# "f: null" holds in Sigma for a record without f. The backend writes nvl2(f, true, false), which is true where f is not
# null. OpenObserve's queries are answered by DataFusion, whose version 55 runs it below: where f is a truth value the
# others are found, and where it is a text, which does not go with true and false, the query is refused.
#
# Seen:
#     SELECT * FROM <TABLE_NAME> WHERE nvl2(f, true, false)
#     f is a truth value: finds ['with f'] of ['with f', 'without f']
#     f is a text: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==0.11.23 pysigma-backend-openobserve==0.1.0 \
    datafusion==55.0.0
venv/bin/python -W ignore - <<'PYTHON'
from datafusion import SessionContext
from sigma.backends.openobserve import openobserveBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {f: null}
    condition: one
"""
(query,) = openobserveBackend().convert(SigmaCollection.from_yaml(RULE))
print(query)
found = {}
for kind, value in (("a truth value", True), ("a text", "x")):
    context = SessionContext()
    context.from_pydict({"name": ["with f", "without f"], "f": [value, None]}, name="logs")
    try:
        found[kind] = context.sql(query.replace("<TABLE_NAME>", "logs")).to_pydict()["name"]
        print(f"f is {kind}: finds", found[kind], "of ['with f', 'without f']")
    except Exception as problem:
        assert "nvl2" in str(problem)
        found[kind] = "refused"
        print(f"f is {kind}: refused")
assert found == {"a truth value": ["with f"], "a text": "refused"}
PYTHON
