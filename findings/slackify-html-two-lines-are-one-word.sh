#!/usr/bin/env bash
# slackify-html 1.0.1: two lines become one word, so that two addresses are a third.
#
# <br>, the items of a list and the cells of a table are put together without anything between: 192.0.2.1 and 192.0.2.10
# come to Slack as 192.0.2.1192.0.2.10. Needs node 18 or newer and npm.
#
# Seen:
#     192.0.2.1<br>192.0.2.10 -> 192.0.2.1192.0.2.10
#     <ul><li>192.0.2.1</li><li>192.0.2.10</li></ul> -> 192.0.2.1192.0.2.10
#     <table><tr><td>evil.example</td><td>42</td></tr></table> -> evil.example42
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund slackify-html@1.0.1 >/dev/null
cat >read.mjs <<'JS'
import { createRequire } from 'node:module'

const slackify = createRequire(import.meta.url)('slackify-html')
for (const html of [
  '192.0.2.1<br>192.0.2.10',
  '<ul><li>192.0.2.1</li><li>192.0.2.10</li></ul>',
  '<table><tr><td>evil.example</td><td>42</td></tr></table>',
]) {
  console.log(html, '->', slackify(html))
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
192.0.2.1<br>192.0.2.10 -> 192.0.2.1192.0.2.10
<ul><li>192.0.2.1</li><li>192.0.2.10</li></ul> -> 192.0.2.1192.0.2.10
<table><tr><td>evil.example</td><td>42</td></tr></table> -> evil.example42
SEEN
