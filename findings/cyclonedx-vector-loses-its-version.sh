#!/usr/bin/env bash
# cyclonedx-python-lib 11.12.0: a CVSS vector whose method is named is written without its beginning.
#
# "CVSS:3.1/" belongs to a vector of CVSS 3.1 (specification, 6), and readers want it: the library cvss refuses the text
# without. A list of components that is only read and written again has ratings whose vectors are no vectors any more.
# Vectors of CVSS 4.0 lose it as well. Without a method the vector stays as it was.
#
# Seen:
#     CVSSv31: AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
#     no method: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
#     cvss: Malformed CVSS3 vector "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" is missing mandatory prefix
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-python-lib==11.12.0 cvss==3.6
venv/bin/python -W ignore - <<'PYTHON'
import json

from cvss import CVSS3, CVSS3Error
from cyclonedx.model.bom import Bom
from cyclonedx.output.json import JsonV1Dot6


def written(rating):
    bom = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "vulnerabilities": [{"id": "CVE-2026-0001", "ratings": [rating]}],
    }
    answer = json.loads(JsonV1Dot6(Bom.from_json(bom)).output_as_string())
    return answer["vulnerabilities"][0]["ratings"][0]["vector"]


vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
named, plain = written({"vector": vector, "method": "CVSSv31"}), written({"vector": vector})
print("CVSSv31:", named)
print("no method:", plain)
four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
assert written({"vector": four, "method": "CVSSv4"}) == four.removeprefix("CVSS:4.0/")
assert named == vector.removeprefix("CVSS:3.1/") and plain == vector
try:
    CVSS3(named)
except CVSS3Error as problem:
    print("cvss:", str(problem).partition(" or uses")[0])
else:
    raise AssertionError("the vector is taken")
PYTHON
