#!/usr/bin/env bash
# @logtape/syslog 1.3.10 (npm): a property that is an object is "[object Object]", and a blank in a name spoils it all.
#
# With includeStructuredData the properties of a record are sent as structured data. One that holds others is sent as a
# word that says nothing of them; the message shows them, if it names them. A name has no blank in
# structured data (RFC 5424, 6.3.3): a blank is written as it is, and a strict reader refuses the record. Node 18 or
# newer, npm and pip.
#
# Seen (syslog-rfc5424-parser 0.3.2):
#     [misp@32473 event="[object Object\]" tlp="red"]: read
#     [misp@32473 event id="7" tlp="red"]: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check syslog-rfc5424-parser==0.3.2
npm install --silent --no-audit --no-fund @logtape/syslog@1.3.10 @logtape/logtape@1.3.10 >/dev/null
cat >send.mjs <<'JS'
import dgram from 'node:dgram'
import { configure, dispose, getLogger } from '@logtape/logtape'
import { getSyslogSink } from '@logtape/syslog'

const server = dgram.createSocket('udp4')
await new Promise((done) => server.bind(0, '127.0.0.1', done))
const syslog = getSyslogSink({
  hostname: '127.0.0.1', port: server.address().port, protocol: 'udp', syslogHostname: 'host', appName: 'misp',
  processId: '1', includeStructuredData: true, structuredDataId: 'misp@32473',
})
await configure({
  sinks: { syslog },
  loggers: [{ category: 'misp', sinks: ['syslog'] }, { category: ['logtape', 'meta'], sinks: [] }],
})
const heard = (properties) =>
  new Promise((done) => {
    server.once('message', (record) => done(record.toString()))
    getLogger('misp').info('published', properties)
  })
console.log(await heard({ event: { id: 7 }, tlp: 'red' }))
console.log(await heard({ 'event id': 7, tlp: 'red' }))
await dispose()
server.close()
JS
node send.mjs >records
venv/bin/python -W ignore - <<'PYTHON' | tee said
from syslog_rfc5424_parser import ParseError, SyslogMessage

for record in open("records", encoding="utf-8"):
    try:
        SyslogMessage.parse(record.strip())
        said = "read"
    except ParseError:
        said = "refused"
    print(record.partition(" - ")[2].rpartition(" ")[0] + ":", said)
PYTHON
diff said - <<'SEEN'
[misp@32473 event="[object Object\]" tlp="red"]: read
[misp@32473 event id="7" tlp="red"]: refused
SEEN
