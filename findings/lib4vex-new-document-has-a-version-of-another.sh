#!/usr/bin/env bash
# lib4vex 0.2.3: a new VEX document has the version of another that was updated before it.
#
# generate() adds what an existing file says of itself to its "metadata", whose default is one dictionary for all calls
# of the process. A program that updates a document at version 4 and then writes a new one gives that version 5, too.
# Readers take the higher version for the newer text. With metadata={} in each call every document counts for itself.
#
# Seen:
#     new, before: version 1
#     new, after an update of another: version 5
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


def write(filename, number):
    """Write, or update, a document that says of one vulnerability that product a is affected; return its version."""
    generator = VEXGenerator("openvex", author="CERT")
    generator.set_product("list", "1")
    stated = {"id": number, "product": "a", "release": "1.0", "purl": "pkg:npm/a@1.0", "status": "affected"}
    generator.generate("list", [stated], filename=filename)
    return json.loads(pathlib.Path(filename).read_text())["version"]


before = write("first.openvex.json", "CVE-2026-0001")
print("new, before: version", before)
other = pathlib.Path("other.openvex.json")
other.write_text(pathlib.Path("first.openvex.json").read_text().replace('"version": 1', '"version": 4'))
assert write(str(other), "CVE-2026-0002") == 5
after = write("new.openvex.json", "CVE-2026-0003")
print("new, after an update of another: version", after)
assert (before, after) == (1, 5)
PYTHON
