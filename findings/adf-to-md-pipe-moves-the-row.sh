#!/usr/bin/env bash
# adf-to-md 1.2.1 and adf-to-markdown 1.0.1 (npm): a pipe in a cell of a ticket's table moves the rest of its row.
#
# In a Markdown table such a pipe has a backslash before it (GitHub Flavored Markdown, 4.10); both write it bare.
# adf-to-md also joins the paragraphs of a cell with nothing between, so that two addresses are a third, and writes the
# first item of a list within a list on the line of the item above. It returns warnings, and none of this is among them.
# Node 18 or newer and npm.
#
# Seen:
#     adf-to-md: ["|name|seen|","|a|b|192.0.2.1192.0.2.10|"]
#     adf-to-md: ["* Two hosts:   * 192.0.2.7","* 198.51.100.9"]
#     adf-to-md: warnings 0
#     adf-to-markdown: ["| name | seen |","| a|b | 192.0.2.1<br>192.0.2.10 |"]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund adf-to-md@1.2.1 adf-to-markdown@1.0.1 >/dev/null
cat >read.js <<'JS'
const { convert } = require('adf-to-md')
const { convertADFToMarkdown } = require('adf-to-markdown')

const log = console.log
console.log = console.error = () => {} // they tell of other things
const text = (words) => ({ type: 'paragraph', content: [{ type: 'text', text: words }] })
const item = (...content) => ({ type: 'listItem', content })
const bullets = (...content) => ({ type: 'bulletList', content })
const row = (...cells) => ({ type: 'tableRow', content: cells.map((content) => ({ type: 'tableCell', content })) })
const heading = ['name', 'seen'].map((word) => ({ type: 'tableHeader', content: [text(word)] }))
const doc = (...content) => ({ version: 1, type: 'doc', content })
const table = doc({
  type: 'table',
  content: [{ type: 'tableRow', content: heading }, row([text('a|b')], [text('192.0.2.1'), text('192.0.2.10')])],
})
const nested = doc(bullets(item(text('Two hosts:'), bullets(item(text('192.0.2.7')), item(text('198.51.100.9'))))))

const lines = (markdown) =>
  JSON.stringify(markdown.split('\n').map((line) => line.trim()).filter((line) => line && !/^[|: -]+$/.test(line)))
const [first, second] = [convert(table), convert(nested)]
log('adf-to-md:', lines(first.result))
log('adf-to-md:', lines(second.result))
log('adf-to-md: warnings', [...first.warnings, ...second.warnings].length)
log('adf-to-markdown:', lines(convertADFToMarkdown(table)))
JS
node read.js | tee said
diff said - <<'SEEN'
adf-to-md: ["|name|seen|","|a|b|192.0.2.1192.0.2.10|"]
adf-to-md: ["* Two hosts:   * 192.0.2.7","* 198.51.100.9"]
adf-to-md: warnings 0
adf-to-markdown: ["| name | seen |","| a|b | 192.0.2.1<br>192.0.2.10 |"]
SEEN
