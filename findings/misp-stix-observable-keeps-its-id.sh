#!/usr/bin/env bash
# misp-stix 2026.10.12: the observable of a corrected attribute has another value and the same id.
#
# Cyber observables have no `modified`, so a STIX store cannot have two versions of one: it keeps the first. STIX 2.1
# therefore wants their ids made of what they are (section 2.9). misp-stix makes them of the attribute's uuid, which
# stays when its value is corrected: who has the old observable never learns the new value, though the indicator
# changes.
#
# Seen:
#     domain-name--00000001-0000-4000-8000-000000000000 mistyped.example
#     domain-name--00000001-0000-4000-8000-000000000000 corrected.example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12
venv/bin/python -W ignore - <<'PYTHON'
import json

from misp_stix_converter import MISPtoSTIX21Parser

seen = []
for value, stamp in (("mistyped.example", "1767312000"), ("corrected.example", "1767398400")):
    attribute = {
        "uuid": "00000001-0000-4000-8000-000000000000", "type": "domain", "value": value, "to_ids": True,
        "category": "Network activity", "timestamp": stamp,
    }
    event = {
        "uuid": "2f0ac10d-0000-4000-8000-000000000001", "info": "x", "date": "2026-01-02", "timestamp": stamp,
        "threat_level_id": "1", "analysis": "0", "distribution": "1", "published": True, "publish_timestamp": stamp,
        "Orgc": {"name": "CERT", "uuid": "2f0ac10d-0000-4000-8000-000000000002"}, "Attribute": [attribute],
    }
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({"Event": event})
    objects = json.loads(parser.bundle.serialize())["objects"]
    (found,) = [one for one in objects if one["type"] == "domain-name"]
    print(found["id"], found["value"])
    seen.append((found["id"], found["value"]))
assert seen[0][0] == seen[1][0] and seen[0][1] != seen[1][1]
PYTHON
