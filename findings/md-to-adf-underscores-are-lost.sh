#!/usr/bin/env bash
# md-to-adf 0.6.4: names and addresses lose their underscores on the way to Jira.
#
# An underscore within a word is a letter like others in Markdown (CommonMark, 6.2, rule 2). md-to-adf takes two of them
# for emphasis: of evil_mail_one.example "evilmailone.example" is left, another name, part of it in italics, and a URL
# loses them and ends as a link, without a word. marklassian 1.2.1 keeps them. Needs node 18 or newer and npm.
#
# Seen:
#     md-to-adf: see evilmailone.example
#     md-to-adf: https://misp.example/a?by=orgcname
#     marklassian: see evil_mail_one.example
#     marklassian: https://misp.example/a?by=org_c_name
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund md-to-adf@0.6.4 marklassian@1.2.1 >/dev/null
cat >read.mjs <<'JS'
import { createRequire } from 'node:module'
import { markdownToAdf } from 'marklassian'

const mdToAdf = createRequire(import.meta.url)('md-to-adf')
const words = (node) => node.text ?? (node.content ?? []).map(words).join('')
for (const [name, convert] of [['md-to-adf', mdToAdf], ['marklassian', markdownToAdf]]) {
  for (const text of ['see evil_mail_one.example', 'https://misp.example/a?by=org_c_name']) {
    console.log(`${name}: ${words(JSON.parse(JSON.stringify(convert(text))))}`)
  }
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
md-to-adf: see evilmailone.example
md-to-adf: https://misp.example/a?by=orgcname
marklassian: see evil_mail_one.example
marklassian: https://misp.example/a?by=org_c_name
SEEN
