#!/usr/bin/env bash
# cvss 1.0.5 (npm): the environmental score of a flaw whose scope is changed is too low, or no number.
#
# Requirements of "medium" change nothing (CVSS 3.0, 8.3): 7.7 stays 7.7. The package takes the modified scope, where it is
# "not defined", for unchanged, instead of the scope that the vector has, and computes 6.8 with MS:X and 7.3 without. Of a
# vector with one requirement only, the others being optional, the score is NaN. Node 18 or newer and npm.
#
# Seen:
#     S:C/C:H/I:N/A:N/CR:M/IR:M/AR:M npm 7.3 python 7.7
#     S:C/C:H/I:N/A:N/CR:M/IR:M/AR:M/MS:X npm 6.8 python 7.7
#     S:C/C:H/I:N/A:N/CR:H npm NaN python 9.8
#     S:U/C:H/I:N/A:N/CR:M/IR:M/AR:M npm 6.5 python 6.5
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cvss==3.6
npm install --silent --no-audit --no-fund cvss@1.0.5
cat >vectors <<'VECTORS'
S:C/C:H/I:N/A:N/CR:M/IR:M/AR:M
S:C/C:H/I:N/A:N/CR:M/IR:M/AR:M/MS:X
S:C/C:H/I:N/A:N/CR:H
S:U/C:H/I:N/A:N/CR:M/IR:M/AR:M
VECTORS
node - >npm.txt <<'NODE'
const cvss = require("cvss");
for (const end of require("fs").readFileSync("vectors", "utf8").trim().split("\n"))
  console.log(cvss.getEnvironmentalScore("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/" + end));
NODE
venv/bin/python - <<'PYTHON'
from cvss import CVSS3

npm = open("npm.txt").read().split()
ends = open("vectors").read().split()
python = [str(CVSS3("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/" + end).scores()[2]) for end in ends]
for end, one, other in zip(ends, npm, python):
    print(end, "npm", one, "python", other)
assert npm == ["7.3", "6.8", "NaN", "6.5"] and python == ["7.7", "7.7", "9.8", "6.5"]
PYTHON
