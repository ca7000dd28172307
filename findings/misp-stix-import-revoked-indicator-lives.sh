#!/usr/bin/env bash
# misp-stix 2026.10.12: a revoked indicator is imported into MISP as an attribute for detection.
#
# Whoever publishes STIX takes an indicator back by a version with revoked true. Read by the import, it is a new attribute
# with to_ids true, as if nothing had been taken back; nothing about it is told.
#
# Seen:
#     standing: [('domain', 'taken-back.example', True)]
#     revoked: [('domain', 'taken-back.example', True)]
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


def attributes(pattern, **more):
    """Return type, value and to_ids of what MISP gets of a bundle with this one indicator."""
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse({
        "type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000001", "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000010",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "pattern": pattern,
            "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", **more,
        }],
    }))
    parser.parse_stix_bundle(single_event=True)
    assert not parser.errors and not parser.warnings
    rows = json.loads(parser.misp_event.to_json()).get("Attribute", [])
    return [(row["type"], row["value"], row["to_ids"]) for row in rows]


pattern = "[domain-name:value = 'taken-back.example']"
standing, revoked = attributes(pattern), attributes(pattern, revoked=True)
print("standing:", standing)
print("revoked:", revoked)
assert standing == revoked == [("domain", "taken-back.example", True)]
PYTHON
