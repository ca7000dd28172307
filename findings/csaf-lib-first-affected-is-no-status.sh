#!/usr/bin/env bash
# csaf-lib 0.1.0b12: in an advisory that is read and written again, a range that is affected has no status.
#
# Beside "known affected" and "fixed" CSAF 2.0 has "first affected", "last affected", "first fixed" and "recommended"
# (3.2.3.9), by which advisories tell ranges and what to update to. The library reads the four plain ones: a
# vulnerability that said from where to where, and what to take, says only what is fixed.
#
# Seen:
#     written: {'first_affected': ['A-1'], 'last_affected': ['A-3'], 'recommended': ['A-5'], 'fixed': ['A-4']}
#     written again: {'fixed': ['A-4']}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check csaf-lib==0.1.0b12
venv/bin/python -W ignore - <<'PYTHON'
from csaf_lib.models import CSAFVEX

day = "2026-01-02T00:00:00Z"
versions = [
    {"category": "product_version", "name": number, "product": {"name": f"A {number}", "product_id": f"A-{number}"}}
    for number in "1345"
]
status = {"first_affected": ["A-1"], "last_affected": ["A-3"], "recommended": ["A-5"], "fixed": ["A-4"]}
advisory = {
    "document": {
        "csaf_version": "2.0", "title": "A", "category": "csaf_vex",
        "publisher": {"category": "vendor", "name": "Vendor", "namespace": "https://vendor.example"},
        "tracking": {
            "id": "V-1", "current_release_date": day, "initial_release_date": day, "status": "final", "version": "1",
            "revision_history": [{"date": day, "number": "1", "summary": "first"}],
        },
    },
    "product_tree": {"branches": [{
        "category": "vendor", "name": "Vendor",
        "branches": [{"category": "product_name", "name": "A", "branches": versions}],
    }]},
    "vulnerabilities": [{
        "cve": "CVE-2026-0001", "notes": [{"category": "description", "text": "an overflow"}], "product_status": status,
    }],
}
again = CSAFVEX.from_dict(advisory).to_dict()["vulnerabilities"][0]["product_status"]
print("written:", status)
print("written again:", again)
assert again == {"fixed": ["A-4"]}
PYTHON
