#!/usr/bin/env bash
# syslog-pro 1.0.0 (npm): every message of RFC 5424 begins with the three letters BOM.
#
# In RFC 5424 (6.4) BOM is short for the byte order mark, three octets that say that the message is UTF-8. The package
# writes the letters, unless utf8BOM is set to false: the receiver shows "BOMblocked" and has no mark to go by, and a
# rule for how a message begins holds for none. Needs node 18 or newer and npm.
#
# Seen:
#     RFC3164: "blocked a.example"
#     RFC5424: "BOMblocked a.example"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund syslog-pro@1.0.0
node - <<'NODE'
const assert = require("assert");
const syslog = require("syslog-pro");
(async () => {
  const seen = {};
  for (const kind of ["RFC3164", "RFC5424"]) {
    const record = await new syslog[kind]({}).buildMessage("blocked a.example");
    seen[kind] = record.trim().slice(record.search(/(BOM)?blocked/));
    console.log(`${kind}: ${JSON.stringify(seen[kind])}`);
  }
  assert.deepStrictEqual(seen, { RFC3164: "blocked a.example", RFC5424: "BOMblocked a.example" });
})();
NODE
