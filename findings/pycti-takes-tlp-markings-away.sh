#!/usr/bin/env bash
# pycti 7.260513.0: OpenCTI's splitter takes the TLP marking off an object whose bundle does not repeat its definition.
#
# The TLP definitions have ids fixed by STIX 2.1 (7.2.1.4) and are known to everybody, so that senders refer to them and
# leave them out. With cleanup_inconsistent_bundle, which many connectors set, a reference to what is not in the bundle
# is dropped without a word: a TLP:RED indicator arrives unmarked. With the definition beside it, the marking stays.
#
# Seen:
#     referred to only: []
#     with its definition: ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pycti==7.260513.0 stix2==3.0.2
venv/bin/python -W ignore - <<'PYTHON'
import json
import logging

logging.disable(logging.CRITICAL)
from pycti.utils.opencti_stix2_splitter import OpenCTIStix2Splitter
from stix2.v21 import TLP_RED

INDICATOR = {
    "type": "indicator", "spec_version": "2.1", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000001",
    "created": "2026-01-02T00:00:00Z", "modified": "2026-01-02T00:00:00Z", "valid_from": "2026-01-02T00:00:00Z",
    "pattern": "[domain-name:value = 'a.example']", "pattern_type": "stix", "object_marking_refs": [TLP_RED.id],
}


def marked(*beside):
    """Return the markings of the indicator after a bundle with these objects was split."""
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000002", "objects": [INDICATOR, *beside]}
    split = OpenCTIStix2Splitter().split_bundle_with_expectations(json.dumps(bundle), cleanup_inconsistent_bundle=True)
    objects = [one for part in split[-1] for one in json.loads(part)["objects"]]
    return next(one["object_marking_refs"] for one in objects if one["type"] == "indicator")


alone, with_it = marked(), marked(json.loads(TLP_RED.serialize()))
print("referred to only:", alone)
print("with its definition:", with_it)
assert alone == [] and with_it == [TLP_RED.id]
PYTHON
