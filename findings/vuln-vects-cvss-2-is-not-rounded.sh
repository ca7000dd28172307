#!/usr/bin/env bash
# vuln-vects 1.1.0 (npm): scores of CVSS 2 are not rounded, so that what others call 7.0 is below it.
#
# A score of CVSS 2 has one digit after the point (CVSS 2.0, 3.2.1: round to 1 decimal). The package rounds those of
# CVSS 3 and leaves these as they come out. A flaw of 7.0, which the NVD and others that draw the line there call high,
# stays below a threshold of 7, and no score equals the one in an event. Needs node 18 or newer and npm.
#
# Seen:
#     AV:N/AC:M/Au:S/C:N/I:P/A:C 6.984453336, at least 7: false
#     AV:N/AC:L/Au:N/C:N/I:P/A:C 8.473175256, at least 7: true
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund vuln-vects@1.1.0
node - <<'NODE'
const assert = require("assert");
const { parseCvss2Vector } = require("vuln-vects");
const scores = ["AV:N/AC:M/Au:S/C:N/I:P/A:C", "AV:N/AC:L/Au:N/C:N/I:P/A:C"].map((vector) => {
  const score = parseCvss2Vector(vector).overallScore;
  console.log(`${vector} ${score}, at least 7: ${score >= 7}`);
  return score;
});
assert(scores[0] < 7 && scores[0] > 6.98 && scores[1] > 8.47 && scores[1] < 8.48);
NODE
