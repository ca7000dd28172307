#!/usr/bin/env bash
# csaf-lib 0.1.0b12: an advisory that is read and written again has no product groups, and remedies for no product.
#
# CSAF 2.0 lets remedies, threats and flags name groups of products (group_ids, 3.2.3.12.4), and products stand outside
# the branches (full_product_names, 3.2.2.2). The library reads neither: the remedy below was for two products and is
# for none, and the status goes on naming products that the document no longer has. Hashes of products are lost, too.
# (Python 3.11 or newer.)
#
# Seen:
#     read:    {'product_tree': ['full_product_names', 'product_groups'], 'remedy': ['G1'], 'affected': ['P1', 'P2']}
#     written: {'product_tree': [], 'remedy': None, 'affected': ['P1', 'P2']}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check csaf-lib==0.1.0b12
venv/bin/python -W ignore - <<'PYTHON'
from csaf_lib.models import CSAFVEX

advisory = {
    "document": {
        "category": "csaf_vex", "csaf_version": "2.0", "title": "T",
        "publisher": {"category": "vendor", "name": "V", "namespace": "https://v.example"},
        "tracking": {
            "id": "V-1", "status": "final", "version": "1", "current_release_date": "2026-01-01T00:00:00Z",
            "initial_release_date": "2026-01-01T00:00:00Z",
            "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "first"}],
        },
    },
    "product_tree": {
        "full_product_names": [{"product_id": "P1", "name": "A"}, {"product_id": "P2", "name": "B"}],
        "product_groups": [{"group_id": "G1", "product_ids": ["P1", "P2"]}],
    },
    "vulnerabilities": [{
        "cve": "CVE-2026-0001", "product_status": {"known_affected": ["P1", "P2"]},
        "remediations": [{"category": "vendor_fix", "details": "Update.", "group_ids": ["G1"]}],
        "notes": [{"category": "description", "text": "x"}],
    }],
}


def looked_at(document):
    (vulnerability,) = document["vulnerabilities"]
    return {
        "product_tree": sorted(document["product_tree"]),
        "remedy": vulnerability["remediations"][0].get("group_ids"),
        "affected": vulnerability["product_status"]["known_affected"],
    }


written = CSAFVEX.from_dict(advisory).to_dict()
print("read:   ", looked_at(advisory))
print("written:", looked_at(written))
assert looked_at(written) == {"product_tree": [], "remedy": None, "affected": ["P1", "P2"]}
PYTHON
