#!/usr/bin/env bash
# lib4sbom 0.10.4: of two components with the same name and version only the last is read.
#
# A component of CycloneDX has a group beside its name, and a purl; two ecosystems or two publishers have packages of
# one name. The parser keeps packages by name and version: the others are gone, with no message, while relations go on
# naming them. What compares or merges lists by this library (sbomdiff, sbommerge) does not see them.
#
# Seen:
#     in the file: ['pkg:maven/org.example/core@1.0', 'pkg:maven/com.example/core@1.0', 'pkg:npm/core@1.0']
#     read:        ['pkg:npm/core@1.0']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check lib4sbom==0.10.4
venv/bin/python -W ignore - <<'PYTHON'
import json

from lib4sbom.parser import SBOMParser

purls = ["pkg:maven/org.example/core@1.0", "pkg:maven/com.example/core@1.0", "pkg:npm/core@1.0"]
components = [
    {"type": "library", "bom-ref": purl, "name": "core", "version": "1.0", "purl": purl} for purl in purls
]
components[0]["group"], components[1]["group"] = "org.example", "com.example"
bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}
with open("bom.json", "w") as file:
    json.dump(bom, file)
parser = SBOMParser()
parser.parse_file("bom.json")
read = [package["externalreference"][0][2] for package in parser.get_packages()]
print("in the file:", purls)
print("read:       ", read)
assert read == ["pkg:npm/core@1.0"]
PYTHON
