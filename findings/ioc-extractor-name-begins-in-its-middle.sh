#!/usr/bin/env bash
# ioc-extractor 8.2.0 (npm) and iocsearcher 3.1.0 (pip): a name that they do not know whole begins in its middle.
#
# Many names have letters beyond ASCII (RFC 5890), and DNS knows underscores (RFC 2181, section 11). Of such a name both
# return what follows the last character that they do not know: another domain, often the hoster's with all that is
# below it. With punycode: true ioc-extractor writes a bare name right; that of a URL becomes one that nobody wrote.
# Node 18 or newer and npm.
#
# Seen:
#     ioc-extractor login_page.example.com: page.example.com
#     ioc-extractor münchen.de: nchen.de, with punycode: xn--mnchen-3ya.de
#     ioc-extractor http://münchen.de/a: nchen.de, with punycode: mnchen-3ob.de http://mnchen-3ob.de/a
#     iocsearcher login_page.example.com: example.com
#     iocsearcher http://münchen.de/a: nchen.de/a
#     iocsearcher jürgen@example.com: example.com rgen@example.com
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check iocsearcher==3.1.0
npm install --silent --no-audit --no-fund ioc-extractor@8.2.0 >/dev/null
cat >read.mjs <<'JS'
import { extractIOC } from 'ioc-extractor'

const found = (text, options) => {
  const { domains, urls } = extractIOC(text, options)
  return [...domains, ...urls].join(' ')
}
console.log(`ioc-extractor login_page.example.com: ${found('login_page.example.com')}`)
for (const text of ['münchen.de', 'http://münchen.de/a']) {
  console.log(`ioc-extractor ${text}: ${found(text)}, with punycode: ${found(text, { punycode: true })}`)
}
JS
node read.mjs >said
PYTHONIOENCODING=utf-8 venv/bin/python -W ignore - >>said <<'PYTHON'
from iocsearcher.searcher import Searcher

searcher = Searcher()
for text in ("login_page.example.com", "http://münchen.de/a", "jürgen@example.com"):
    print(f"iocsearcher {text}:", *sorted(one.value for one in searcher.search_data(text)))
PYTHON
cat said
diff said - <<'SEEN'
ioc-extractor login_page.example.com: page.example.com
ioc-extractor münchen.de: nchen.de, with punycode: xn--mnchen-3ya.de
ioc-extractor http://münchen.de/a: nchen.de, with punycode: mnchen-3ob.de http://mnchen-3ob.de/a
iocsearcher login_page.example.com: example.com
iocsearcher http://münchen.de/a: nchen.de/a
iocsearcher jürgen@example.com: example.com rgen@example.com
SEEN
