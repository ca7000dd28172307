#!/usr/bin/env bash
# lib4vex 0.2.3 (with csaf-tool 0.3.2): what is affected in one version and fixed in the next is read as "fixed".
#
# CSAF says of each vulnerability which products are affected, which are fixed and so on (3.2.3.9, product status), and
# advisories as a rule say both. One status is read, that of the group which stands last, and no product with it; of
# several remedies and notes the last is read as well. Sorted by name, as many documents are, "under investigation" is
# the last.
#
# Seen:
#     written: {'known_affected': ['A-1'], 'fixed': ['A-2']}
#     read: status fixed, action switch it off, products []
#     written: {'fixed': ['A-2'], 'known_affected': ['A-1'], 'under_investigation': ['A-3']}
#     read: status under_investigation, action switch it off, products []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check lib4vex==0.2.3 csaf-tool==0.3.2
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

from lib4vex.parser import VEXParser

day = "2026-01-02T00:00:00Z"
versions = [
    {"category": "product_version", "name": number, "product": {"name": f"A {number}", "product_id": f"A-{number}"}}
    for number in ("1", "2", "3")
]


def advisory(status):
    """Return an advisory of CSAF 2.0 that says this of the versions of product A."""
    return {
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
            "remediations": [
                {"category": "vendor_fix", "details": "update to 2", "product_ids": ["A-1"]},
                {"category": "workaround", "details": "switch it off", "product_ids": ["A-1"]},
            ],
        }],
    }


read = []
for status in (
    {"known_affected": ["A-1"], "fixed": ["A-2"]},
    {"fixed": ["A-2"], "known_affected": ["A-1"], "under_investigation": ["A-3"]},
):
    pathlib.Path("advisory.json").write_text(json.dumps(advisory(status)))
    parser = VEXParser("csaf")
    parser.parse("advisory.json")
    (one,) = parser.get_vulnerabilities()
    products = [number for number in ("A-1", "A-2", "A-3") if number in str(one)]
    print("written:", status)
    print(f"read: status {one['status']}, action {one['action']}, products {products}")
    read.append((one["status"], one["action"], products))
assert read == [("fixed", "switch it off", []), ("under_investigation", "switch it off", [])]
PYTHON
