#!/usr/bin/env bash
# tld-extract 2.1.0: of a name with the dot at its end the domain is the public suffix.
#
# DNS logs and zone files write names with that dot, and a URL may hold it (RFC 3986, 3.2.2). For evil.example.co.uk.
# the domain is then "co.uk.": what was to hold one registrant holds a country. The same happens without a dot where the
# suffix is written in letters other than ASCII. tldts 7.0.30 gives the right one. Needs node 18 or newer and npm.
#
# Seen:
#     http://www.evil.co.uk/ -> evil.co.uk, tldts: evil.co.uk
#     http://www.evil.co.uk./ -> co.uk., tldts: evil.co.uk
#     http://www.evil.公司.cn/ -> xn--55qx5d.cn, tldts: evil.公司.cn
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund tld-extract@2.1.0 tldts@7.0.30 >/dev/null
cat >read.mjs <<'JS'
import { createRequire } from 'node:module'
import { getDomain } from 'tldts'

const extract = createRequire(import.meta.url)('tld-extract')
for (const url of ['http://www.evil.co.uk/', 'http://www.evil.co.uk./', 'http://www.evil.公司.cn/']) {
  console.log(`${url} -> ${extract(url).domain}, tldts: ${getDomain(url)}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
http://www.evil.co.uk/ -> evil.co.uk, tldts: evil.co.uk
http://www.evil.co.uk./ -> co.uk., tldts: evil.co.uk
http://www.evil.公司.cn/ -> xn--55qx5d.cn, tldts: evil.公司.cn
SEEN
