#!/usr/bin/env bash
# stix2-matcher 3.0.0: NOT EXISTS is read as EXISTS.
#
# STIX 2.1 (9.6) has EXISTS for "the object has this property", and its grammar lets NOT stand before it;
# stix2-patterns, the validator, takes it. The matcher does not look at the NOT: a pattern for files without a creation
# time matches exactly those that have one, and misses those that it was written for.
#
# Seen:
#     a file without ctime: EXISTS False, NOT EXISTS False
#     a file with ctime: EXISTS True, NOT EXISTS True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-matcher==3.0.0 stix2-patterns==2.1.2
venv/bin/python -W ignore - <<'PYTHON'
from stix2matcher.matcher import match
from stix2patterns.v21.pattern import Pattern

FILE = {"type": "file", "spec_version": "2.1", "id": "file--5f1d8b8a-0000-4000-8000-000000000001", "name": "a.exe"}
OBSERVED = {
    "type": "observed-data", "spec_version": "2.1", "id": "observed-data--5f1d8b8a-0000-4000-8000-000000000002",
    "created": "2026-01-02T00:00:00Z", "modified": "2026-01-02T00:00:00Z", "first_observed": "2026-01-02T00:00:00Z",
    "last_observed": "2026-01-02T00:00:00Z", "number_observed": 1, "object_refs": [FILE["id"]],
}


def holds(pattern, **properties):
    Pattern(pattern)  # raises an error for what is no pattern
    objects = [FILE | properties, OBSERVED]
    bundle = {"type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000003", "objects": objects}
    return bool(match(pattern, [bundle], stix_version="2.1"))


seen = []
for name, properties in (("without", {}), ("with", {"ctime": "2026-01-01T00:00:00Z"})):
    seen.append((holds("[EXISTS file:ctime]", **properties), holds("[NOT EXISTS file:ctime]", **properties)))
    print(f"a file {name} ctime: EXISTS {seen[-1][0]}, NOT EXISTS {seen[-1][1]}")
assert seen == [(False, False), (True, True)]
PYTHON
