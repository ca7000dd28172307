#!/usr/bin/env bash
# misp-modules 3.1.1: the import of passive DNS takes an answer that is a text to pieces, one attribute a letter.
#
# rdata of the Common Output Format is a text or a list of texts, and the module's own check (validate_cof) lets both
# pass. cof2misp treats a text like a list: 192.0.2.1 becomes six attributes "1", "9", "2", "0", "2", "1", in a
# passive-dns object that is imported like any other, and the address is nowhere in it.
#
# Seen:
#     ["192.0.2.1"]: ['192.0.2.1']
#     "192.0.2.1": ['1', '9', '2', '0', '2', '1']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1 ndjson==0.3.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json
import logging

import misp_modules

misp_modules.promote_lib_to_root()  # as the server does at its start
logging.disable(logging.CRITICAL)
from misp_modules.modules.import_mod import cof2misp

seen = []
for rdata in (["192.0.2.1"], "192.0.2.1"):
    record = {"rrname": "h.example", "rrtype": "A", "rdata": rdata, "time_first": 1767312000, "time_last": 1767312001}
    answer = cof2misp.handler(json.dumps({"data": base64.b64encode(json.dumps(record).encode()).decode()}))
    (made,) = answer["results"]["Object"]
    seen.append([row["value"] for row in made["Attribute"] if row["object_relation"] == "rdata"])
    print(f"{json.dumps(rdata)}: {seen[-1]}")
assert seen == [["192.0.2.1"], ["1", "9", "2", "0", "2", "1"]]
PYTHON
