#!/usr/bin/env bash
# @tryfabric/mack 1.2.1: of a list item the first line comes to Slack; what stands below it does not.
#
# A list in a list, a second paragraph and a block of code belong to their item (CommonMark, 5.2). mack says that lists
# are taken and writes the first paragraph of each item: the indicators below "Two hosts:" are nowhere, and nothing
# tells. Needs node 18 or newer and npm.
#
# Seen:
#     a list below: • Two hosts:
#     a paragraph below: • Two hosts:
#     code below: • Two hosts:
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @tryfabric/mack@1.2.1 >/dev/null
cat >read.mjs <<'JS'
import mack from '@tryfabric/mack'

const texts = {
  'a list below': '- Two hosts:\n  - 192.0.2.7\n  - 198.51.100.9',
  'a paragraph below': '- Two hosts:\n\n  192.0.2.7 and 198.51.100.9',
  'code below': '- Two hosts:\n  ```\n  192.0.2.7\n  198.51.100.9\n  ```',
}
for (const [name, text] of Object.entries(texts)) {
  const blocks = await mack.markdownToBlocks(text)
  console.log(`${name}: ${blocks.map((block) => block.text.text).join(' / ')}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
a list below: • Two hosts:
a paragraph below: • Two hosts:
code below: • Two hosts:
SEEN
