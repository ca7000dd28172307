#!/usr/bin/env bash
# stix2 3.0.2: an object whose time has more than six digits after the second cannot be read, nor the bundle around it.
#
# STIX 2.1 lets a timestamp have any number of digits and advises against more than nine; what .NET and Go write has
# seven and nine. The library wants six at most and raises InvalidValueError, when it parses an object as when it parses
# a bundle: with one such object in it, none of the others is read.
#
# Seen:
#     .123456Z: read
#     .1234567Z: InvalidValueError
#     .123456789Z: InvalidValueError
#     a bundle with one such object: InvalidValueError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2==3.0.2
venv/bin/python -W ignore - <<'PYTHON'
import stix2


def indicator(number, fraction):
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--5f1d8b8a-0000-4000-8000-00000000000{number}",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
        "pattern": "[ipv4-addr:value = '198.51.100.7']", "valid_from": f"2026-01-01T00:00:00{fraction}",
    }


def read(thing):
    try:
        stix2.parse(thing)
    except stix2.exceptions.InvalidValueError:
        return "InvalidValueError"
    return "read"


results = []
for fraction in (".123456Z", ".1234567Z", ".123456789Z"):
    results.append(read(indicator(1, fraction)))
    print(f"{fraction}: {results[-1]}")
bundle = {
    "type": "bundle", "id": "bundle--5f1d8b8a-0000-4000-8000-000000000000",
    "objects": [indicator(1, "Z"), indicator(2, ".1234567Z")],
}
results.append(read(bundle))
print("a bundle with one such object:", results[-1])
assert results == ["read"] + ["InvalidValueError"] * 3
PYTHON
