#!/usr/bin/env bash
# nsyslog-parser 0.10.1: in CEF and LEEF a value ends at its equals sign, so URLs lose their queries.
#
# In a CEF extension an equals sign of a value has a backslash before it (CEF, "Character Encoding"); in LEEF the pairs
# are kept apart by a delimiter, and a value may hold one (LEEF 2.0). Of http://a.example/?id=5 both readers keep
# http://a.example/?id, CEF with the backslash at its end. A delimiter that is given in hexadecimal, as LEEF 2.0 lets a
# sender do, is not understood: all pairs become one, and the rest is lost. Needs node 18 or newer and npm.
#
# Seen:
#     CEF: {"src":"192.0.2.1","request":"http://a.example/?id\\","act":"blocked"}
#     LEEF, tab: {"src":"192.0.2.1","url":"http://a.example/?id"}
#     LEEF, ^: {"src":"192.0.2.1","usrName":"a"}
#     LEEF, 0x5E: {"src":"192.0.2.1^usrName"}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund nsyslog-parser@0.10.1 >/dev/null
cat >read.js <<'JS'
const parse = require('nsyslog-parser')
const records = {
  CEF: 'CEF:0|V|P|1|100|n|5|src=192.0.2.1 request=http://a.example/?id\\=5 act=blocked',
  'LEEF, tab': 'LEEF:1.0|V|P|1|E|src=192.0.2.1\turl=http://a.example/?id=5',
  'LEEF, ^': 'LEEF:2.0|V|P|1|E|^|src=192.0.2.1^usrName=a',
  'LEEF, 0x5E': 'LEEF:2.0|V|P|1|E|0x5E|src=192.0.2.1^usrName=a',
}
for (const [name, record] of Object.entries(records)) {
  console.log(`${name}: ${JSON.stringify(parse(`<34>Jan  2 03:04:05 host app: ${record}`).fields)}`)
}
JS
node read.js | tee said
diff said - <<'SEEN'
CEF: {"src":"192.0.2.1","request":"http://a.example/?id\\","act":"blocked"}
LEEF, tab: {"src":"192.0.2.1","url":"http://a.example/?id"}
LEEF, ^: {"src":"192.0.2.1","usrName":"a"}
LEEF, 0x5E: {"src":"192.0.2.1^usrName"}
SEEN
