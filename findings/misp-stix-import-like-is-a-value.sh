#!/usr/bin/env bash
# misp-stix 2026.10.12: LIKE in an imported pattern is read as "=", so its wildcard becomes part of the value.
#
# In STIX, LIKE '%.example' is every name below .example. The import makes the domain "%.example" of it, for detection,
# and the URL "http://a.example/%". A pattern with MATCHES, which it cannot express either, is kept whole as an object.
#
# Seen:
#     [domain-name:value LIKE '%.example']: [('domain', '%.example', True)]
#     [url:value LIKE 'http://a.example/%']: [('url', 'http://a.example/%', True)]
#     [domain-name:value MATCHES '^a']: [('text', 'stix 2.1', False), ('stix2-pattern', "[domain-name:value MATCHES '^a']", True)]
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


def attributes(pattern):
    """Return type, value and to_ids of what MISP gets of a bundle with this one indicator."""
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse({
        "type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000001", "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000010",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "pattern": pattern,
            "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
        }],
    }))
    parser.parse_stix_bundle(single_event=True)
    assert not parser.errors and not parser.warnings
    event = json.loads(parser.misp_event.to_json())
    rows = event.get("Attribute", []) + [row for one in event.get("Object", []) for row in one["Attribute"]]
    return [(row["type"], row["value"], row["to_ids"]) for row in rows]


seen = []
for pattern in (
    "[domain-name:value LIKE '%.example']", "[url:value LIKE 'http://a.example/%']", "[domain-name:value MATCHES '^a']",
):
    seen.append(attributes(pattern))
    print(f"{pattern}: {seen[-1]}")
assert seen[:2] == [[("domain", "%.example", True)], [("url", "http://a.example/%", True)]]
assert seen[2][1] == ("stix2-pattern", "[domain-name:value MATCHES '^a']", True)
PYTHON
