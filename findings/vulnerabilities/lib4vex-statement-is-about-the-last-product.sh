#!/usr/bin/env bash
# lib4vex 0.2.3: of an OpenVEX statement about several products only the last is read.
#
# A statement names any number of products (OpenVEX 0.2.0, "products"), and vendors list whatever holds the flawed part.
# The library keeps the last one, as if the statement were about it alone: what it says of the others is neither among
# the vulnerabilities nor among the products. Nothing tells.
#
# Seen:
#     stated of: pkg:npm/a@1.0, pkg:npm/b@2.0, pkg:npm/c@3.0
#     read: pkg:npm/c@3.0, affected
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check lib4vex==0.2.3
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

from lib4vex.parser import VEXParser

def statement(vulnerability, *products, **more):
    return {
        "vulnerability": {"name": vulnerability}, "timestamp": "2026-01-02T03:04:05Z",
        "products": [{"@id": product} for product in products], **more,
    }


def document(*statements):
    """Write an OpenVEX 0.2.0 document that makes these statements."""
    pathlib.Path("list.openvex.json").write_text(json.dumps({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://cert.example/vex/1", "author": "CERT",
        "role": "Document Creator", "timestamp": "2026-01-02T03:04:05Z", "version": 1, "statements": statements,
    }))


products = ["pkg:npm/a@1.0", "pkg:npm/b@2.0", "pkg:npm/c@3.0"]
document(statement("CVE-2026-0001", *products, status="affected", action_statement="update"))
parser = VEXParser("openvex")
parser.parse("list.openvex.json")
print("stated of:", ", ".join(products))
(read,) = parser.get_vulnerabilities()
print(f"read: {read['purl']}, {read['status']}")
assert read["purl"] == products[-1] and list(parser.get_product()) == ["c"]
PYTHON
