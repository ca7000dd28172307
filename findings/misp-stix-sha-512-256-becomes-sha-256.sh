#!/usr/bin/env bash
# misp-stix 2026.10.12: a SHA-512/256 becomes a SHA-256, and a SHA-512/224 a SHA-224.
#
# They are other functions of the same length: the SHA-256 of a file is never its SHA-512/256. Observable and indicator
# of the attribute types sha512/256 and sha512/224 name the shorter ones, without a warning, so a reader looks for a
# file that nobody has. Two such rows in one "file" object also take each other's place.
#
# Seen:
#     sha512/256 of nothing: c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a
#     sha256 of nothing:     e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
#     {'SHA-256': 'c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a'} [file:hashes.'SHA-256' = 'c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a']
#     {'SHA224': '6ed0dd02806fa89e25de060c19d3ac86cabb87d6a0ddd05c333b84f4'} [file:hashes.'SHA-224' = '6ed0dd02806fa89e25de060c19d3ac86cabb87d6a0ddd05c333b84f4']
#     errors and warnings: [{}, {}, {}, {}]
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


# The two digests of an empty file: FIPS 180-4 has the functions, Python's hashlib only where OpenSSL brings them.
EMPTY = {
    "sha512/256": "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a",
    "sha512/224": "6ed0dd02806fa89e25de060c19d3ac86cabb87d6a0ddd05c333b84f4",
}
import hashlib

print("sha512/256 of nothing:", EMPTY["sha512/256"])
print("sha256 of nothing:    ", hashlib.sha256(b"").hexdigest())
told, found = [], []
for kind, value in EMPTY.items():
    parser, objects = convert(kind, value)
    (hashes,) = [one["hashes"] for one in objects if one["type"] == "file"]
    (pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
    print(hashes, pattern)
    found.append((list(hashes), pattern))
    told += [dict(parser.errors), dict(parser.warnings)]
print("errors and warnings:", told)
assert not any(told)
assert found[0] == (["SHA-256"], f"[file:hashes.'SHA-256' = '{EMPTY['sha512/256']}']")
assert "'SHA-224'" in found[1][1]
PYTHON
