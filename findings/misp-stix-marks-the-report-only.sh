#!/usr/bin/env bash
# misp-stix 2026.10.12: an event's TLP marks the STIX report, and none of the indicators in it.
#
# In MISP a tag on an event holds for all that is in it. In the bundle the marking definition is referred to by the
# report alone. A TAXII server hands out objects one by one, so a consumer who asks for indicators gets one of a TLP:RED
# event without any marking.
#
# Seen:
#     marked: ['report'] of: ['identity', 'indicator', 'ipv4-addr', 'marking-definition', 'network-traffic', 'observed-data', 'relationship', 'report']
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


parser = MISPtoSTIX21Parser()
parser.parse_misp_event({
    "Event": {
        "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
        "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
        "threat_level_id": "1", "distribution": "0",
        "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"}, "Tag": [{"name": "tlp:red"}],
        "Attribute": [{
            "uuid": "5f1d8b8a-0000-4000-8000-000000000010", "category": "Network activity", "to_ids": True,
            "timestamp": "1767312000", "type": "ip-dst", "value": "198.51.100.7",
        }],
    }
})
objects = json.loads(parser.bundle.serialize())["objects"]
kinds = {one["type"] for one in objects}
marked = {one["type"] for one in objects if one.get("object_marking_refs")}
print("marked:", sorted(marked), "of:", sorted(kinds))
assert marked == {"report"} and "indicator" in kinds
PYTHON
