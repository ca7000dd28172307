#!/usr/bin/env bash
# syslog-pro 1.0.0 (npm): two lines of a message become one word, so that two addresses are a third.
#
# The first line break of a message is taken out, in RFC 3164 and RFC 5424 alike, and nothing put in its place: of two
# addresses, one a line, a longer one is left that is none, and of two names one that nobody meant. Needs node 18 or
# newer and npm.
#
# Seen:
#     RFC3164: "192.0.2.1192.0.2.10"
#     RFC5424: "BOM192.0.2.1192.0.2.10"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund syslog-pro@1.0.0
node - <<'NODE'
const assert = require("assert");
const syslog = require("syslog-pro");
(async () => {
  const seen = [];
  for (const kind of ["RFC3164", "RFC5424"]) {
    seen.push((await new syslog[kind]({}).buildMessage("192.0.2.1\n192.0.2.10")).trim().split(" ").pop());
    console.log(`${kind}: ${JSON.stringify(seen.at(-1))}`);
  }
  assert.deepStrictEqual(seen, ["192.0.2.1192.0.2.10", "BOM192.0.2.1192.0.2.10"]);
})();
NODE
