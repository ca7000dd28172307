#!/usr/bin/env bash
# vuln-vects 1.1.0 (npm): an environmental metric that changes nothing raises the score of most flaws.
#
# Requirements of "medium" leave a score as it is (CVSS 3.1, 7.4). Once one is there, the package computes the modified
# impact by the formula for a changed scope, because the modified scope is "not defined", and adds it up by that for an
# unchanged one: 5.7 becomes 6.7, medium becomes high, and 9.8 becomes 10. With MS:U said as well it is right. The overall
# score is this one. Needs node 18 or newer and npm.
#
# Seen:
#     AV:L/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N: 5.7, with CR:M 6.7, with CR:M/MS:U 5.7
#     AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N: 6.8, with CR:M 7.4, with CR:M/MS:U 6.8
#     AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H: 9.8, with CR:M 10, with CR:M/MS:U 9.8
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund vuln-vects@1.1.0
node - <<'NODE'
const assert = require("assert");
const { parseCvss3Vector } = require("vuln-vects");
const vectors = [
  "AV:L/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N", "AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
];
const scores = vectors.map((vector) =>
  ["", "/CR:M", "/CR:M/MS:U"].map((more) => parseCvss3Vector("CVSS:3.1/" + vector + more).overallScore));
vectors.forEach((vector, i) =>
  console.log(`${vector}: ${scores[i][0]}, with CR:M ${scores[i][1]}, with CR:M/MS:U ${scores[i][2]}`));
assert.deepStrictEqual(scores, [[5.7, 6.7, 5.7], [6.8, 7.4, 6.8], [9.8, 10, 9.8]]);
NODE
