#!/usr/bin/env bash
# ioc-extractor 8.2.0: a name that it does not take whole begins in its middle, and is another domain.
#
# An underscore is common in the names of hosts that phish and in DNS itself, and many domains have letters beyond ASCII. Of
# such a name ioc-extractor returns what follows the last character that it does not know: mail.example.com, a host of
# somebody else, goes on the list, and the URL with the real one is missing. Needs node 18 or newer and npm.
#
# Seen:
#     evil_mail.example.com: ["mail.example.com"]
#     münchen.de: ["nchen.de"]
#     http://münchen.de/a: ["nchen.de"] and URLs []
#     xn--mnchen-3ya.de: ["xn--mnchen-3ya.de"]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ioc-extractor@8.2.0 >/dev/null
cat >read.mjs <<'JS'
import { extractIOC } from 'ioc-extractor'

for (const text of ['evil_mail.example.com', 'münchen.de', 'http://münchen.de/a', 'xn--mnchen-3ya.de']) {
  const found = extractIOC(text)
  const urls = text.includes('/') ? ` and URLs ${JSON.stringify(found.urls)}` : ''
  console.log(`${text}: ${JSON.stringify(found.domains)}${urls}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
evil_mail.example.com: ["mail.example.com"]
münchen.de: ["nchen.de"]
http://münchen.de/a: ["nchen.de"] and URLs []
xn--mnchen-3ya.de: ["xn--mnchen-3ya.de"]
SEEN
