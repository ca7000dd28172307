#!/usr/bin/env bash
# syslog-parse 2.0.0 (npm): a record without a priority is an emergency of the kernel.
#
# Where a record has no priority it counts as 13, a notice of a user's program (RFC 3164, 4.3.3). Files written by
# syslog daemons have none in any line. The parser takes them for 0, the most severe there is, and names it: whoever is
# called for emergencies is called for each line. Needs node 18 or newer and npm.
#
# Seen:
#     Feb 10 03:04:05 host misp: 5 attributes saved -> priority 0, kern, emerg
#     <13>Feb 10 03:04:05 host misp: 5 attributes saved -> priority 13, user, notice
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund syslog-parse@2.0.0
cat >read.mjs <<'NODE'
import assert from "node:assert";
import syslogParse from "syslog-parse";
const line = "Feb 10 03:04:05 host misp: 5 attributes saved";
const read = [line, "<13>" + line].map((one) => {
  const { priority, facility, severity } = syslogParse(one);
  console.log(`${one} -> priority ${priority}, ${facility}, ${severity}`);
  return [priority, facility, severity];
});
assert.deepStrictEqual(read, [[0, "kern", "emerg"], [13, "user", "notice"]]);
NODE
node read.mjs
