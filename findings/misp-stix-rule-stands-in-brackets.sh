#!/usr/bin/env bash
# misp-stix 2026.10.12: the pattern of a YARA, Sigma or Snort attribute is the rule in square brackets.
#
# pattern_type says "yara", "sigma" or "snort", so the pattern has to be a rule of that language; in brackets it is
# none, and no compiler takes it. Brackets belong to STIX's own patterns. The objects "yara" and "sigma" of MISP come
# without.
#
# Seen (yara-python 4.5.4):
#     yara: [rule a { condition: true }]
#     compiled: as it is SyntaxError, without the brackets taken
#     sigma: [title: x]
#     snort: [alert tcp any any -> any any (msg:"x"; sid:1;)]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-stix==2026.10.12 yara-python==4.5.4
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


import yara


def compiled(rule):
    try:
        yara.compile(source=rule)
    except yara.SyntaxError as error:
        return type(error).__name__
    return "taken"


for kind, rule in (
    ("yara", "rule a { condition: true }"), ("sigma", "title: x"),
    ("snort", 'alert tcp any any -> any any (msg:"x"; sid:1;)'),
):
    (indicator,) = [one for one in convert(kind, rule)[1] if one["type"] == "indicator"]
    print(f"{kind}: {indicator['pattern']}")
    assert indicator["pattern_type"] == kind and indicator["pattern"] == f"[{rule}]"
    if kind == "yara":
        said = compiled(indicator["pattern"]), compiled(rule)
        print(f"compiled: as it is {said[0]}, without the brackets {said[1]}")
        assert said == ("SyntaxError", "taken")
PYTHON
