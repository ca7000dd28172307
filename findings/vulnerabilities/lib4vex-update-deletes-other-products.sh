#!/usr/bin/env bash
# lib4vex 0.2.3: what an OpenVEX document says of one product is deleted when another product is updated in it.
#
# Given a file that exists, the generator keeps its statements unless the vulnerability is stated anew. It looks at the
# number of the vulnerability alone: to say that 1.0 of one product is fixed takes away that another product is affected
# by the same flaw. The file has a higher version, so whoever follows it takes the other product for never mentioned.
#
# Seen:
#     version 1: CVE-2026-0001 pkg:npm/a@1.0 affected
#     version 1: CVE-2026-0001 pkg:npm/b@2.0 affected
#     version 2: CVE-2026-0001 pkg:npm/a@1.0 fixed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check lib4vex==0.2.3
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

from lib4vex.generator import VEXGenerator


def about(name, release, status):
    purl = f"pkg:npm/{name}@{release}"
    return {"id": "CVE-2026-0001", "product": name, "release": release, "purl": purl, "status": status}


seen = []
for statements in ([about("a", "1.0", "affected"), about("b", "2.0", "affected")], [about("a", "1.0", "fixed")]):
    generator = VEXGenerator("openvex", author="CERT")
    generator.set_product("list", "1")
    generator.generate("list", statements, metadata={}, filename="list.openvex.json")
    written = json.loads(pathlib.Path("list.openvex.json").read_text())
    for one in written["statements"]:
        seen.append((written["version"], one["products"][0]["@id"], one["status"]))
        print(f"version {written['version']}: {one['vulnerability']['name']}", *seen[-1][1:])
assert seen == [(1, "pkg:npm/a@1.0", "affected"), (1, "pkg:npm/b@2.0", "affected"), (2, "pkg:npm/a@1.0", "fixed")]
PYTHON
