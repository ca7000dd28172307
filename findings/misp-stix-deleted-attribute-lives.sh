#!/usr/bin/env bash
# misp-stix 2026.10.12: an attribute that was deleted in MISP becomes a live STIX indicator.
#
# MISP keeps deleted attributes, so that deletions can be synchronised, and exports them with "deleted": true. The
# converter pays no heed to it: observed data, indicator and relationship are made as for any other attribute, none of
# them revoked, and neither parser.warnings nor parser.errors says so. Whoever sends events on must take them out first.
#
# Seen:
#     pattern: [network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7'] revoked: False
#     warnings: {} errors: {}
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


def convert(**more):
    """Return the parser and the STIX objects of a published event with one attribute."""
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Attribute": [{
                "uuid": "5f1d8b8a-0000-4000-8000-000000000010", "category": "Network activity", "to_ids": True,
                "timestamp": "1767312000", "type": "ip-dst", "value": "198.51.100.7", **more,
            }],
        }
    })
    return parser, json.loads(parser.bundle.serialize())["objects"]


_, live = convert()
parser, deleted = convert(deleted=True)
(indicator,) = [one for one in deleted if one["type"] == "indicator"]
print("pattern:", indicator["pattern"], "revoked:", indicator.get("revoked", False))
print("warnings:", dict(parser.warnings), "errors:", dict(parser.errors))
assert [one["type"] for one in deleted] == [one["type"] for one in live]
assert "revoked" not in indicator and not parser.warnings and not parser.errors
PYTHON
