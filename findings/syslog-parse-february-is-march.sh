#!/usr/bin/env bash
# syslog-parse 2.0.0 (npm): at the end of a month a record of February is read as one of March.
#
# A record of RFC 3164 has no year, so the parser takes today's date, changes its month and then its day. On 31 March
# that makes 31 February, which runs over to March, and the day of the record is set there. Whether a backlog or an
# archive goes to the right month depends on the day on which it is read. Needs node 18 or newer and npm. (The clock
# below is set.)
#
# Seen:
#     read on 2026-03-15: Feb 10 -> 2026-02-10
#     read on 2026-03-31: Feb 10 -> 2026-03-10
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund syslog-parse@2.0.0
cat >read.mjs <<'NODE'
import assert from "node:assert";
import syslogParse from "syslog-parse";
const Real = Date;
const read = ["2026-03-15", "2026-03-31"].map((today) => {
  globalThis.Date = class extends Real {
    constructor() {
      super(today + "T12:00:00");
    }
  };
  const { time } = syslogParse("<13>Feb 10 03:04:05 host misp: text");
  const day = `${time.getFullYear()}-${String(time.getMonth() + 1).padStart(2, "0")}-${time.getDate()}`;
  console.log(`read on ${today}: Feb 10 -> ${day}`);
  return day;
});
assert.deepStrictEqual(read, ["2026-02-10", "2026-03-10"]);
NODE
node read.mjs
