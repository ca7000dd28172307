#!/usr/bin/env bash
# misp-stix 2026.10.12: a revoked indicator, and one of type "benign", is imported as an attribute for detection.
#
# Whoever publishes STIX takes an indicator back by a version with revoked true; indicator_types says what a match
# means, and STIX's own vocabulary has "benign" there, for activity that is not suspicious. The import reads neither:
# all three below become the same attribute with to_ids true, and nothing is told.
#
# Seen:
#     malicious-activity: [('domain', 'a.example', True)]
#     malicious-activity, revoked: [('domain', 'a.example', True)]
#     benign: [('domain', 'a.example', True)]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12
venv/bin/python -W ignore - <<'PYTHON'
import json
import logging

import stix2
from misp_stix_converter import ExternalSTIX2toMISPParser

logging.disable(logging.CRITICAL)


def attributes(**more):
    """Return type, value and to_ids of what MISP gets of a bundle with this one indicator."""
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse({
        "type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000001", "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000010",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "pattern_type": "stix",
            "pattern": "[domain-name:value = 'a.example']", "valid_from": "2026-01-01T00:00:00Z", **more,
        }],
    }))
    parser.parse_stix_bundle(single_event=True)
    assert not parser.errors and not parser.warnings
    rows = json.loads(parser.misp_event.to_json()).get("Attribute", [])
    return [(row["type"], row["value"], row["to_ids"]) for row in rows]


for name, more in (
    ("malicious-activity", {"indicator_types": ["malicious-activity"]}),
    ("malicious-activity, revoked", {"indicator_types": ["malicious-activity"], "revoked": True}),
    ("benign", {"indicator_types": ["benign"]}),
):
    seen = attributes(**more)
    print(f"{name}: {seen}")
    assert seen == [("domain", "a.example", True)]
PYTHON
