#!/usr/bin/env bash
# PyMISP 2.5.34.4: AttributeValidationTool cuts an EUI-64 address to its first six octets, and then refuses it.
#
# The attribute type mac-eui-64 holds addresses of eight octets. modifyBeforeValidation treats it like mac-address and
# drops the last two; validate wants one colon too many besides, so no spelling passes. misp-stix asks both, so an
# attribute of this type never becomes an indicator.
#
# Seen:
#     00:11:22:ff:fe:33:44:55 00:11:22:ff:fe:33 MAC EUI-64 address has an invalid format.
#     00-11-22-FF-FE-33-44-55 00:11:22:ff:fe:33 MAC EUI-64 address has an invalid format.
#     001122fffe334455 00:11:22:ff:fe:33 MAC EUI-64 address has an invalid format.
#     unchanged: MAC EUI-64 address has an invalid format.
#     misp-stix: ['identity', 'note', 'report']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4 misp-stix==2026.10.12
venv/bin/python -W ignore - <<'PYTHON'
import json
import logging

from misp_stix_converter import MISPtoSTIX21Parser

logging.disable(logging.CRITICAL)


def convert(kind, value, category="Payload delivery"):
    """Return the parser and the STIX objects of a published event with this one attribute."""
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Attribute": [{
                "uuid": "5f1d8b8a-0000-4000-8000-000000000010", "type": kind, "value": value, "category": category,
                "to_ids": True, "timestamp": "1767312000",
            }],
        }
    })
    return parser, json.loads(parser.bundle.serialize())["objects"]


from pymisp.tools.attributevalidationtool import AttributeValidationTool

said = []
for value in ("00:11:22:ff:fe:33:44:55", "00-11-22-FF-FE-33-44-55", "001122fffe334455"):
    normal = AttributeValidationTool.modifyBeforeValidation("mac-eui-64", value)
    said.append(AttributeValidationTool.validate("mac-eui-64", normal))
    print(value, normal, said[-1])
print("unchanged:", AttributeValidationTool.validate("mac-eui-64", "00:11:22:ff:fe:33:44:55"))
made = sorted(one["type"] for one in convert("mac-eui-64", "00:11:22:ff:fe:33:44:55", "Network activity")[1])
print("misp-stix:", made)
assert said == ["MAC EUI-64 address has an invalid format."] * 3 and "indicator" not in made
PYTHON
