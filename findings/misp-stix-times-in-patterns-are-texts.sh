#!/usr/bin/env bash
# misp-stix 2026.10.12: times and truth in an object's pattern are texts of another spelling than what was observed.
#
# A file object's creation time becomes ctime = '2026-01-01 00:00:00+00:00', a process's "hidden" is_hidden = 'True', both
# in quotes. The observable has "2026-01-01T00:00:00Z" and true; STIX writes them t'2026-01-01T00:00:00Z' and true. One
# such attribute in an object is enough for its pattern to match nothing, since all are joined by AND.
#
# Seen (stix2-matcher 3.0.0):
#     [file:name = 'x.exe' AND file:ctime = '2026-01-01 00:00:00+00:00']: False
#     [file:name = 'x.exe' AND file:ctime = t'2026-01-01T00:00:00Z']: True
#     [process:command_line = 'x' AND process:is_hidden = 'True']: False
#     [process:command_line = 'x' AND process:is_hidden = true]: True
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
from stix2matcher.matcher import match

logging.disable(logging.CRITICAL)


def convert(name, category, template, rows):
    """Return the STIX objects of a published event with this one object of (relation, type, value)."""
    attributes = [
        {
            "uuid": f"5f1d8b8a-0000-4000-8000-0000000001{place:02d}", "object_relation": relation, "type": kind,
            "value": value, "category": "Other", "to_ids": True, "timestamp": "1767312000",
        }
        for place, (relation, kind, value) in enumerate(rows)
    ]
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Object": [{
                "uuid": "5f1d8b8a-0000-4000-8000-000000000020", "name": name, "meta-category": category,
                "template_uuid": template, "timestamp": "1767312000", "Attribute": attributes,
            }],
        }
    })
    return json.loads(parser.bundle.serialize())["objects"]


FILE = "688c46fb-5edb-40a3-8273-1af7923e2215", [("filename", "filename", "x.exe"), ("creation-time", "datetime", "2026-01-01T00:00:00Z")]
PROCESS = "02aeef94-ac27-455f-91a9-dcbdb0c4b8f6", [("command-line", "text", "x"), ("hidden", "boolean", "1")]
seen = []
for name, category, (template, rows), texts in (
    ("file", "file", FILE, ("'2026-01-01 00:00:00+00:00'", "t'2026-01-01T00:00:00Z'")),
    ("process", "misc", PROCESS, ("'True'", "true")),
):
    objects = convert(name, category, template, rows)
    (pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000030", "objects": objects}
    for text in (pattern, pattern.replace(*texts)):
        seen.append(bool(match(text, [bundle], stix_version="2.1")))
        print(f"{text}: {seen[-1]}")
assert seen == [False, True, False, True]
PYTHON
