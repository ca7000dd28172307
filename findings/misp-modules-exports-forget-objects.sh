#!/usr/bin/env bash
# misp-modules 3.1.1: the exports for ThreatConnect and ThreatStream leave out everything that stands in an object.
#
# MISP groups attributes into objects (file, network-connection, domain-ip), and many modules and sensors write nothing
# else. threat_connect_export and threatStream_misp_export read the event's own attributes, and answer with a list that
# has a heading and nothing else, as for an empty event. defender_endpoint_export, beside them, reads both.
#
# Seen:
#     threat_connect_export: alone True, in an object False
#     threatStream_misp_export: alone True, in an object False
#     defender_endpoint_export: alone True, in an object True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import importlib
import json

ATTRIBUTE = {"type": "domain", "value": "a.example", "comment": "", "to_ids": True}
ALONE = {"Attribute": [ATTRIBUTE], "Object": []}
WITHIN = {"Attribute": [], "Object": [{"name": "domain-ip", "Attribute": [ATTRIBUTE]}]}
found = {}
for name in ("threat_connect_export", "threatStream_misp_export", "defender_endpoint_export"):
    module = importlib.import_module(f"misp_modules.modules.export_mod.{name}")
    found[name] = []
    for event in (ALONE, WITHIN):
        asked = {"config": {"Default_Source": "MISP", "Period": "7d"}, "data": [event]}
        found[name].append("a.example" in base64.b64decode(module.handler(json.dumps(asked))["data"]).decode())
    print(f"{name}: alone {found[name][0]}, in an object {found[name][1]}")
assert list(found.values()) == [[True, False], [True, False], [True, True]]
PYTHON
