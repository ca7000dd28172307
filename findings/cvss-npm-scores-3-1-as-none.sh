#!/usr/bin/env bash
# cvss 1.0.5 (npm): a vector of CVSS 3.1, 4.0 or 2.0 has the score 0 and the rating None.
#
# The package knows version 3.0. For any other it neither fails nor answers with nothing, but with the score of a
# harmless flaw: the worst vector of 3.1, 9.8, is "None", and a list sorted by it has these at its end. Only with
# {throw: true} an error is raised. Node 18 or newer and npm.
#
# Seen:
#     CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H 9.8 Critical
#     CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H 0 None
#     CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H 0 None
#     AV:N/AC:L/Au:N/C:C/I:C/A:C 0 None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund cvss@1.0.5
node - <<'NODE'
const assert = require("assert");
const cvss = require("cvss");
const worst = "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const vectors = [
  "CVSS:3.0/" + worst, "CVSS:3.1/" + worst, "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H",
  "AV:N/AC:L/Au:N/C:C/I:C/A:C",
];
const scores = vectors.map((vector) => cvss.getBase(vector));
vectors.forEach((vector, i) => console.log(vector, scores[i].score, scores[i].rating));
assert.deepStrictEqual(scores.map((one) => one.score), [9.8, 0, 0, 0]);
assert.deepStrictEqual(scores.map((one) => one.rating), ["Critical", "None", "None", "None"]);
assert.throws(() => cvss.getBaseScore(vectors[1], { throw: true }));
NODE
