#!/usr/bin/env bash
# misp-stix 2026.10.12: the tags "TLP:RED" and "PAP:RED" become labels, not markings.
#
# MISP compares tags without regard to case in its interface, and its PAP taxonomy is written in capitals. Only the
# small spelling tlp:red is turned into a STIX marking; a consumer that looks for markings sees an unmarked report.
#
# Seen:
#     tlp:red: markings ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed'], labels ['Threat-Report', 'misp:tool="MISP-STIX-Converter"']
#     TLP:RED: markings [], labels ['Threat-Report', 'misp:tool="MISP-STIX-Converter"', 'TLP:RED']
#     PAP:RED: markings [], labels ['Threat-Report', 'misp:tool="MISP-STIX-Converter"', 'PAP:RED']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12
venv/bin/python - <<'PYTHON'
import json
import logging

from misp_stix_converter import MISPtoSTIX21Parser

logging.disable(logging.CRITICAL)


def report(tag):
    """Return the STIX report of a published event with this tag."""
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Tag": [{"name": tag}],
            "Attribute": [{
                "uuid": "5f1d8b8a-0000-4000-8000-000000000010", "category": "Network activity", "to_ids": True,
                "timestamp": "1767312000", "type": "ip-dst", "value": "198.51.100.7",
            }],
        }
    })
    return next(one for one in json.loads(parser.bundle.serialize())["objects"] if one["type"] == "report")


for tag in ("tlp:red", "TLP:RED", "PAP:RED"):
    made = report(tag)
    print(f"{tag}: markings {made.get('object_marking_refs', [])}, labels {made['labels']}")
    assert bool(made.get("object_marking_refs")) == (tag == "tlp:red")
    assert (tag in made["labels"]) == (tag != "tlp:red")
PYTHON
