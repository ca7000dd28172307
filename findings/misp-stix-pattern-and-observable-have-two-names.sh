#!/usr/bin/env bash
# misp-stix 2026.10.12: observable and indicator of one attribute call the same member by two names.
#
# The header fields of a mail are 'Reply-To' and 'X-Mailer' in what was observed, reply_to and x_mailer in the pattern;
# SHA-224, SHA-384, SHA3-224 and SHA3-384 of a file have their hyphens in the pattern only. So the pattern never matches
# the observable that stands beside it in the bundle.
#
# Seen (stix2-matcher 3.0.0):
#     email-reply-to: {'Reply-To': 'a@b.example'} and [email-message:additional_header_fields.reply_to = 'a@b.example']: False
#     email-x-mailer: {'X-Mailer': 'M 1.0'} and [email-message:additional_header_fields.x_mailer = 'M 1.0']: False
#     sha224: {'SHA224': 'aa…'} and [file:hashes.'SHA-224' = 'aa…']: False
#     sha384: {'SHA384': 'aa…'} and [file:hashes.'SHA-384' = 'aa…']: False
#     sha3-224: {'SHA3224': 'aa…'} and [file:hashes.'SHA3-224' = 'aa…']: False
#     sha3-384: {'SHA3384': 'aa…'} and [file:hashes.'SHA3-384' = 'aa…']: False
#     sha256: {'SHA-256': 'aa…'} and [file:hashes.'SHA-256' = 'aa…']: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12 stix2-matcher==3.0.0
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


from stix2matcher.matcher import match

seen = {}
for kind, value in (
    ("email-reply-to", "a@b.example"), ("email-x-mailer", "M 1.0"), ("sha224", "a" * 56), ("sha384", "a" * 96),
    ("sha3-224", "a" * 56), ("sha3-384", "a" * 96), ("sha256", "a" * 64),
):
    _, objects = convert(kind, value)
    (pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
    (names,) = [
        one.get("hashes") or one.get("additional_header_fields")
        for one in objects if one["type"] in ("file", "email-message")
    ]
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000020", "objects": objects}
    seen[kind] = bool(match(pattern, [bundle], stix_version="2.1"))
    said = f"{kind}: {names} and {pattern}: {seen[kind]}"
    print(said.replace(value, "aa…") if "hashes" in pattern else said)
assert seen.pop("sha256") and not any(seen.values())
PYTHON
