#!/usr/bin/env bash
# marklassian 1.2.1 and @tryfabric/mack 1.2.1: a folded part of a Markdown text is not in the ticket nor in the chat.
#
# GitHub and GitLab fold a long list with <details>. Lines that begin with a tag are HTML to Markdown (CommonMark, 4.6);
# both converters drop such a block with the words in it. The ticket says "Two hosts" and names none; no error, no
# warning. Needs node 18 or newer and npm.
#
# Seen:
#     marklassian: Two hosts: / Block them.
#     mack: Two hosts: / Block them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund marklassian@1.2.1 @tryfabric/mack@1.2.1 >/dev/null
cat >read.mjs <<'JS'
import mack from '@tryfabric/mack'
import { markdownToAdf } from 'marklassian'

const text = `Two hosts:

<details><summary>Addresses</summary>
192.0.2.7
198.51.100.9
</details>

Block them.`
const words = (node) => node.text ?? (node.content ?? []).map(words).join('')
console.log('marklassian:', markdownToAdf(text).content.map(words).join(' / '))
console.log('mack:', (await mack.markdownToBlocks(text)).map((block) => block.text.text).join(' / '))
JS
node read.mjs | tee said
diff said - <<'SEEN'
marklassian: Two hosts: / Block them.
mack: Two hosts: / Block them.
SEEN
