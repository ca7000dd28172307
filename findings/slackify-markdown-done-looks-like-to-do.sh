#!/usr/bin/env bash
# slackify-markdown 4.5.0 and telegramify-markdown 1.3.3: what is done and what is to do look the same.
#
# Both take the task lists of GitHub apart and write neither box: "- [x] blocked" and "- [ ] told" come out as two like
# items. In a chat nobody sees any more which step is open. Needs node 18 or newer and npm.
#
# Seen:
#     slackify-markdown: ["blocked","told"]
#     telegramify-markdown: ["blocked","told"]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund slackify-markdown@4.5.0 telegramify-markdown@1.3.3 >/dev/null
cat >read.mjs <<'JS'
import slackify from 'slackify-markdown'
import telegramify from 'telegramify-markdown'

const text = '- [x] blocked\n- [ ] told'
for (const [name, convert] of [['slackify-markdown', slackify], ['telegramify-markdown', telegramify]]) {
  const lines = convert(text).trim().split('\n')
  console.log(`${name}: ${JSON.stringify(lines.map((line) => line.replace(/^•\s+/, '')))}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
slackify-markdown: ["blocked","told"]
telegramify-markdown: ["blocked","told"]
SEEN
