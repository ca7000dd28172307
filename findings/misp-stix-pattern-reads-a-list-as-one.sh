#!/usr/bin/env bash
# misp-stix 2026.10.12: patterns about a registry value and a mail's header lines leave out the step into the list.
#
# received_lines and the values of a registry key are lists in STIX; a path into one needs [*] or a number (STIX 2.1,
# 9.7.2). Without it the pattern of regkey|value and of email-header matches nothing, not even the observable beside it.
# The "registry-key" object of MISP is written with values[0], and its pattern matches.
#
# Seen (stix2-matcher 3.0.0):
#     [windows-registry-key:key = 'HKLM\\Software\\x' AND windows-registry-key:values.data = 'v']: False, with [*]: True
#     [email-message:received_lines = 'from a.example']: False, with [*]: True
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

seen = []
for kind, value, category, name in (
    ("regkey|value", "HKLM\\Software\\x|v", "Persistence mechanism", "values"),
    ("email-header", "from a.example", "Payload delivery", "received_lines"),
):
    _, objects = convert(kind, value, category)
    (pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000020", "objects": objects}
    found = [bool(match(text, [bundle], stix_version="2.1")) for text in (pattern, pattern.replace(name, f"{name}[*]"))]
    print(f"{pattern}: {found[0]}, with [*]: {found[1]}")
    seen.append(found)
assert seen == [[False, True], [False, True]]
PYTHON
