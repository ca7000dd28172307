#!/usr/bin/env bash
# misp-stix 2026.10.12: the pattern of hostname|port asks one object to be a name and traffic at once.
#
# Comparisons that AND joins inside one pair of brackets are about the same object (STIX 2.1, 9.5), and no domain name
# has a port. The pattern holds for nothing, also with the port as a number; stix2, which misp-stix is built on, refuses
# to read it. The observable of the same conversion is right: traffic whose dst_ref is the name.
#
# Seen (stix2 3.0.2, stix2-matcher 3.0.0):
#     [domain-name:value = 'h.example' AND network-traffic:dst_port = '8080']
#     read by stix2: ValueError("All operands to an 'AND' expression must be satisfiable with the same object type")
#     matches its own observable, as it is and with a number: False False
#     as traffic to that name: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12 stix2==3.0.2 \
    stix2-matcher==3.0.0
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


from stix2.pattern_visitor import create_pattern_object
from stix2matcher.matcher import match

_, objects = convert("hostname|port", "h.example|8080", "Network activity")
(pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
print(pattern)
try:
    create_pattern_object(pattern, version="2.1")
    said = "taken"
except ValueError as error:
    said = repr(error)
print("read by stix2:", said)


def holds(text):
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000020", "objects": objects}
    return bool(match(text, [bundle], stix_version="2.1"))


as_it_is, as_number = holds(pattern), holds(pattern.replace("'8080'", "8080"))
print("matches its own observable, as it is and with a number:", as_it_is, as_number)
there = "network-traffic:dst_ref"
right = holds(f"[{there}.type = 'domain-name' AND {there}.value = 'h.example' AND network-traffic:dst_port = 8080]")
print("as traffic to that name:", right)
assert "same object type" in said and (as_it_is, as_number, right) == (False, False, True)
PYTHON
