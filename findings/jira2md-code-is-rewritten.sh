#!/usr/bin/env bash
# jira2md 3.0.1: code is rewritten both ways, so that a rule that went through a ticket is another rule.
#
# What stands in a code block is to be left alone, in Markdown and in Jira. On the way to Jira every pair of angle
# brackets becomes square ones (the links <https://…> are meant), in YARA and XML too, and on the way back a line of
# code that begins with a hash becomes the first of a numbered list. j2m 1.1.0, with the same task, leaves both as they
# are. Needs node 18 or newer and npm.
#
# Seen:
#     to Jira: filesize [ 100KB and #a ] 2
#     to Jira: [domain]evil.example[/domain]
#     to Markdown: 1. only small files
#     j2m, to Jira: filesize < 100KB and #a > 2
#     j2m, to Jira: <domain>evil.example</domain>
#     j2m, to Markdown: # only small files
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund jira2md@3.0.1 j2m@1.1.0 >/dev/null
cat >read.mjs <<'JS'
import j2m from 'j2m'
import jira2md from 'jira2md'

const line = (text) => text.trim().split('\n')[1]
const rules = ['filesize < 100KB and #a > 2', '<domain>evil.example</domain>'].map((rule) => '```\n' + rule + '\n```')
const comment = '{code}\n# only small files\n{code}'
for (const rule of rules) console.log('to Jira:', line(jira2md.to_jira(rule)))
console.log('to Markdown:', line(jira2md.to_markdown(comment)))
for (const rule of rules) console.log('j2m, to Jira:', line(j2m.toJ(rule)))
console.log('j2m, to Markdown:', line(j2m.toM(comment)))
JS
node read.mjs | tee said
diff said - <<'SEEN'
to Jira: filesize [ 100KB and #a ] 2
to Jira: [domain]evil.example[/domain]
to Markdown: 1. only small files
j2m, to Jira: filesize < 100KB and #a > 2
j2m, to Jira: <domain>evil.example</domain>
j2m, to Markdown: # only small files
SEEN
