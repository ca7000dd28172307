#!/usr/bin/env bash
# misp-stix 2026.10.12: an indicator of type "benign" is imported into MISP as an attribute for detection.
#
# indicator_types says what a match means, and STIX's own vocabulary has "benign": activity that is not suspicious. The
# import does not read it, and sets to_ids.
#
# Seen:
#     malicious-activity: [('domain', 'update.example', True)]
#     benign: [('domain', 'update.example', True)]
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


for kind in ("malicious-activity", "benign"):
    seen = attributes("[domain-name:value = 'update.example']", indicator_types=[kind])
    print(f"{kind}: {seen}")
    assert seen == [("domain", "update.example", True)]
PYTHON
