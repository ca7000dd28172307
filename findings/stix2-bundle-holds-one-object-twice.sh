#!/usr/bin/env bash
# stix2 3.0.2: a bundle takes the same object twice, and an address that is none.
#
# The library checks types, required properties and ids. It does not see that two objects of a bundle have one id (with
# other content, even), nor that 999.1.1.1 is no IPv4 address: both are left to whoever receives it.
#
# Seen:
#     ids: ['indicator--5f1d8b8a-0000-4000-8000-000000000001', 'indicator--5f1d8b8a-0000-4000-8000-000000000001'] address: 999.1.1.1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2==3.0.2
venv/bin/python - <<'PYTHON'
import stix2


def indicator(value):
    return stix2.Indicator(
        id="indicator--5f1d8b8a-0000-4000-8000-000000000001", pattern_type="stix",
        created="2026-01-01T00:00:00Z", modified="2026-01-01T00:00:00Z", valid_from="2026-01-01T00:00:00Z",
        pattern=f"[ipv4-addr:value = '{value}']",
    )


bundle = stix2.parse(stix2.Bundle(indicator("198.51.100.7"), indicator("198.51.100.8")).serialize())
print("ids:", [one.id for one in bundle.objects], "address:", stix2.IPv4Address(value="999.1.1.1").value)
assert len(bundle.objects) == 2 and len({one.id for one in bundle.objects}) == 1
PYTHON
