#!/usr/bin/env bash
# @tryfabric/mack 1.2.1: what is escaped in Markdown is not shown in Slack, backslash and character.
#
# A backslash says that the next character is no markup (CommonMark, 2.4); who turns a domain or a path into Markdown
# writes it before underscores and asterisks. mack leaves both out: another name, another path, and a product without
# its sign. Needs node 18 or newer and npm.
#
# Seen:
#     evil\_mail.example -> evilmail.example
#     C:\\temp -> C:temp
#     \*.evil.example -> .evil.example
#     evil_mail.example -> evil_mail.example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @tryfabric/mack@1.2.1 >/dev/null
cat >read.mjs <<'JS'
import mack from '@tryfabric/mack'

const raw = String.raw
for (const text of [raw`evil\_mail.example`, raw`C:\\temp`, raw`\*.evil.example`, 'evil_mail.example']) {
  const [block] = await mack.markdownToBlocks(text)
  console.log(text, '->', block.text.text)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
evil\_mail.example -> evilmail.example
C:\\temp -> C:temp
\*.evil.example -> .evil.example
evil_mail.example -> evil_mail.example
SEEN
