#!/usr/bin/env bash
# misp-modules 3.1.1: the import of MISP's JSON finds nothing in an event as MISP itself writes it.
#
# mispjson reads {"response": [{"Event": …}]}, the form of a search. An event alone, {"Event": …} as MISP answers for
# one event and PyMISP and feeds write it, gives an empty list and no error, like an empty event. Of several events in a
# response only the first is taken, and of that one nothing that stands in its objects.
#
# Seen:
#     an event: {'results': []}
#     two events with an object each: ['one.example']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json

from misp_modules.modules.import_mod import mispjson


def event(name):
    attribute = {"type": "domain", "value": name, "category": "Network activity", "to_ids": True, "comment": ""}
    return {"Event": {"info": name, "Attribute": [attribute], "Object": [{"name": "domain-ip", "Attribute": [attribute]}]}}


def imported(content):
    return mispjson.handler(json.dumps({"data": base64.b64encode(json.dumps(content).encode()).decode()}))


one = imported(event("one.example"))
print("an event:", one)
two = [row["values"] for row in imported({"response": [event("one.example"), event("two.example")]})["results"]]
print("two events with an object each:", two)
assert one == {"results": []} and two == ["one.example"]
PYTHON
