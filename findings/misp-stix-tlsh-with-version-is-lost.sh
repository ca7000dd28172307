#!/usr/bin/env bash
# misp-stix 2026.10.12 with stix2 3.0.2: a TLSH as its own library writes it since version 4 is no indicator.
#
# The digests of that library begin with T1, the version, and 70 hexadecimal digits follow. MISP's types tlsh and
# filename|tlsh hold them so. stix2 knows the 70 digits alone as a TLSH, and misp-stix, which lower-cases the whole,
# takes the refusal for an error: an x-misp-attribute, no indicator. Without T1 the same digest is taken.
#
# Seen:
#     T1 and 70 digits: ['identity', 'report', 'x-misp-attribute'] Error with the tlsh value: … is not a valid tlsh hash.
#     70 digits: ['file', 'identity', 'indicator', 'observed-data', 'relationship', 'report'] none
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12
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


DIGITS = "B8D2F1C6A0E3948576" + "0123456789ABCDEF" * 3 + "CAFE"
seen = {}
for name, value in (("T1 and 70 digits", f"T1{DIGITS}"), ("70 digits", DIGITS)):
    parser, objects = convert("tlsh", value)
    said = [one for kept in (parser.errors, parser.warnings) for some in kept.values() for one in some]
    seen[name] = sorted(one["type"] for one in objects)
    print(f"{name}:", seen[name], said[0].replace(value.lower(), "…") if said else "none")
assert len(DIGITS) == 70 and "indicator" in seen["70 digits"] and "indicator" not in seen["T1 and 70 digits"]
PYTHON
