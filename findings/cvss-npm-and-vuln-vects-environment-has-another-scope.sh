#!/usr/bin/env bash
# cvss 1.0.5 and vuln-vects 1.1.0 (npm): metrics that change nothing change a score, in the one down, in the other up.
#
# Requirements of "medium" leave a score as it is (CVSS 3.0, 8.3; CVSS 3.1, 7.4). The modified scope, "not defined", is
# the scope that the vector has. cvss takes it for unchanged, so that flaws whose scope is changed score too low, or NaN
# with one requirement alone; vuln-vects computes the impact as if it were changed, so that the others score too high.
# The library of the same name for Python is right. Node 18 or newer and npm.
#
# Seen:
#     CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N: 7.7; python 7.7, cvss 7.3, vuln-vects 7.7
#     CVSS:3.1/AV:L/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N: 5.7; python 5.7, vuln-vects 6.7
#     CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H: 9.8; python 9.8, vuln-vects 10
#     CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N/CR:H: python 9.8, cvss NaN
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cvss==3.6
npm install --silent --no-audit --no-fund cvss@1.0.5 vuln-vects@1.1.0
cat >score.js <<'JS'
const cvss = require("cvss");
const { parseCvss3Vector } = require("vuln-vects");
const base = process.argv[2];
const vector = process.argv[3];
// cvss knows vectors of 3.0 alone
const first = base.startsWith("CVSS:3.0") ? `, cvss ${cvss.getEnvironmentalScore(vector)}` : "";
const second = vector.endsWith("CR:H") ? "" : `, vuln-vects ${parseCvss3Vector(vector).overallScore}`;
console.log(first + second);
JS
venv/bin/python - <<'PYTHON' | tee said
import subprocess

from cvss import CVSS3


def others(base, more):
    return subprocess.check_output(["node", "score.js", base, base + more], text=True).strip()


changed = "CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N"
for base in (changed, "CVSS:3.1/AV:L/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"):
    same = CVSS3(base + "/CR:M/IR:M/AR:M").scores()[2]
    print(f"{base}: {CVSS3(base).scores()[0]}; python {same}{others(base, '/CR:M/IR:M/AR:M')}")
print(f"{changed}/CR:H: python {CVSS3(changed + '/CR:H').scores()[2]}{others(changed, '/CR:H')}")
PYTHON
diff said - <<'SEEN'
CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N: 7.7; python 7.7, cvss 7.3, vuln-vects 7.7
CVSS:3.1/AV:L/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N: 5.7; python 5.7, vuln-vects 6.7
CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H: 9.8; python 9.8, vuln-vects 10
CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N/CR:H: python 9.8, cvss NaN
SEEN
