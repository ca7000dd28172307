#!/usr/bin/env bash
# html-to-mrkdwn 3.0.0: of an HTML message for Slack every table is left out, with all that is in it.
#
# Slack has no tables, so their text has to come some other way. html-to-mrkdwn writes nothing for them: the message
# says "Seen today:" and goes on. html-to-mrkdwn-ts 1.1.0, with the same task, keeps the cells. Needs node 18 or newer
# and npm.
#
# Seen:
#     html-to-mrkdwn: "Seen today:\n\nBlock them."
#     html-to-mrkdwn-ts: 192.0.2.7 is kept: true
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund html-to-mrkdwn@3.0.0 html-to-mrkdwn-ts@1.1.0 >/dev/null
cat >read.mjs <<'JS'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const html =
  '<p>Seen today:</p><table><tr><th>Address</th></tr><tr><td>192.0.2.7</td></tr></table><p>Block them.</p>'
console.log('html-to-mrkdwn:', JSON.stringify(require('html-to-mrkdwn')(html).text))
const other = require('html-to-mrkdwn-ts')
const { text } = (other.default ?? other.htmlToMrkdwn ?? other)(html)
console.log('html-to-mrkdwn-ts: 192.0.2.7 is kept:', text.includes('192.0.2.7'))
JS
node read.mjs | tee said
diff said - <<'SEEN'
html-to-mrkdwn: "Seen today:\n\nBlock them."
html-to-mrkdwn-ts: 192.0.2.7 is kept: true
SEEN
