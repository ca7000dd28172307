#!/usr/bin/env bash
# glossy 0.1.7: what stands before a closing bracket in a message is lost, when the record has structured data.
#
# Structured data ends at a bracket with a space after it, and the message may hold anything (RFC 5424, 6). glossy looks
# for the last such bracket of the whole record: "[error] disk full" is read as "disk full", and "see [1]" as nothing.
# What stands between may become structured data that nobody sent. Without structured data the message is whole. Needs
# node 18 or newer and npm.
#
# Seen:
#     - [error] disk full -> "[error] disk full"
#     [a@1 k="x"] [error] disk full -> "disk full"
#     [a@1 k="x"] see [1] -> ""
#     [a@1 k="x"] plain -> "plain"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund glossy@0.1.7 >/dev/null
cat >read.js <<'JS'
const { Parse } = require('glossy')
for (const end of ['- [error] disk full', '[a@1 k="x"] [error] disk full', '[a@1 k="x"] see [1]', '[a@1 k="x"] plain']) {
  const { message } = Parse.parse(`<165>1 2026-01-02T03:04:05Z host app 1 id ${end}`)
  console.log(`${end} -> ${JSON.stringify(message)}`)
}
JS
node read.js | tee said
diff said - <<'SEEN'
- [error] disk full -> "[error] disk full"
[a@1 k="x"] [error] disk full -> "disk full"
[a@1 k="x"] see [1] -> ""
[a@1 k="x"] plain -> "plain"
SEEN
