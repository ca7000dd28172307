#!/usr/bin/env bash
# misp-stix 2026.10.12: the pattern of ip-dst|port compares the port with a text.
#
# dst_port of STIX network traffic is an integer. The pattern says dst_port = '443', which no observed data with the
# integer 443 satisfies: a matcher that follows the specification never finds it (tried with stix2-matcher 3.0.0).
#
# Seen:
#     as it is: [network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = '443']
#     found as it is, and with a number: [False, True]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12 stix2-matcher==3.0.0
venv/bin/python - <<'PYTHON'
import json
import logging

from misp_stix_converter import MISPtoSTIX21Parser

logging.disable(logging.CRITICAL)


def convert(attribute, tags=()):
    """Return the STIX objects of a published event with this one attribute."""
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Tag": [{"name": name} for name in tags],
            "Attribute": [{
                "uuid": "5f1d8b8a-0000-4000-8000-000000000010", "category": "Network activity", "to_ids": True,
                "timestamp": "1767312000", **attribute,
            }],
        }
    })
    return parser, json.loads(parser.bundle.serialize())["objects"]


def of(objects, kind):
    return [one for one in objects if one["type"] == kind]


from stix2matcher.matcher import Pattern

indicator, = of(convert({"type": "ip-dst|port", "value": "198.51.100.7|443"})[1], "indicator")
observed = {
    "type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000020", "objects": [{
        "type": "observed-data", "id": "observed-data--5f1d8b8a-0000-4000-8000-000000000021",
        "created": "2026-01-02T00:00:00Z", "modified": "2026-01-02T00:00:00Z", "number_observed": 1,
        "first_observed": "2026-01-02T00:00:00Z", "last_observed": "2026-01-02T00:00:00Z", "objects": {
            "0": {"type": "ipv4-addr", "value": "198.51.100.7"},
            "1": {"type": "network-traffic", "dst_ref": "0", "dst_port": 443, "protocols": ["tcp"]},
        },
    }],
}
as_number = indicator["pattern"].replace("'443'", "443")
print("as it is:", indicator["pattern"])
seen = [bool(Pattern(text).match([observed["objects"][0]])) for text in (indicator["pattern"], as_number)]
print("found as it is, and with a number:", seen)
assert "dst_port = '443'" in indicator["pattern"] and seen == [False, True]
PYTHON
