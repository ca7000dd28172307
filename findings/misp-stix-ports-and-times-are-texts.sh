#!/usr/bin/env bash
# misp-stix 2026.10.12: ports, times and truth in patterns are texts, which nothing observed equals.
#
# The pattern of ip-dst|port says dst_port = '443', and dst_port of STIX network traffic is an integer. A file object's
# creation time becomes ctime = '2026-01-01 00:00:00+00:00', a process's "hidden" is_hidden = 'True': STIX writes
# t'2026-01-01T00:00:00Z' and true. One such value is enough for a pattern to match nothing, not even the observable
# beside it, since all are joined by AND. (Seen with stix2-matcher 3.0.0.)
#
# Seen:
#     [network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = '443']
#         as it is: False, with 443: True
#     [file:name = 'x.exe' AND file:ctime = '2026-01-01 00:00:00+00:00']
#         as it is: False, with t'2026-01-01T00:00:00Z': True
#     [process:command_line = 'x' AND process:is_hidden = 'True']
#         as it is: False, with true: True
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


def attribute(kind, value, relation, place):
    return {
        "uuid": f"5f1d8b8a-0000-4000-8000-0000000001{place:02d}", "type": kind, "value": value, "to_ids": True,
        "category": "Network activity" if relation is None else "Other", "timestamp": "1767312000",
        **({} if relation is None else {"object_relation": relation}),
    }


def convert(**content):
    """Return the STIX objects of a published event with this content."""
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02",
            "timestamp": "1767312000", "publish_timestamp": "1767312000", "published": True, "analysis": "0",
            "threat_level_id": "1", "distribution": "0",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"}, **content,
        }
    })
    return json.loads(parser.bundle.serialize())["objects"]


def group(name, category, template, *rows):
    return {
        "uuid": "5f1d8b8a-0000-4000-8000-000000000020", "name": name, "meta-category": category,
        "template_uuid": template, "timestamp": "1767312000",
        "Attribute": [attribute(kind, value, relation, place) for place, (relation, kind, value) in enumerate(rows)],
    }


port = convert(Attribute=[attribute("ip-dst|port", "198.51.100.7|443", None, 0)])
file = convert(Object=[group(
    "file", "file", "688c46fb-5edb-40a3-8273-1af7923e2215", ("filename", "filename", "x.exe"),
    ("creation-time", "datetime", "2026-01-01T00:00:00Z"),
)])
process = convert(Object=[group(
    "process", "misc", "02aeef94-ac27-455f-91a9-dcbdb0c4b8f6", ("command-line", "text", "x"),
    ("hidden", "boolean", "1"),
)])
for objects, written, right in (
    (port, "'443'", "443"), (file, "'2026-01-01 00:00:00+00:00'", "t'2026-01-01T00:00:00Z'"),
    (process, "'True'", "true"),
):
    (pattern,) = [one["pattern"] for one in objects if one["type"] == "indicator"]
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000030", "objects": objects}
    found = [bool(match(text, [bundle], stix_version="2.1")) for text in (pattern, pattern.replace(written, right))]
    print(pattern)
    print(f"    as it is: {found[0]}, with {right}: {found[1]}")
    assert written in pattern and found == [False, True]
PYTHON
