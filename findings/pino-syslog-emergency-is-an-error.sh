#!/usr/bin/env bash
# pino-syslog 4.0.0: a level said to be an "emergency" is sent as an error.
#
# customLevels gives a level of one's own one of the severities of syslog, by name. Emergency is 0 there, which reads as
# nothing set, and the severity becomes 3; alert stays 1. The one message that is to wake everybody is sorted among the
# ordinary failures. Needs node 18 or newer and npm.
#
# Seen:
#     alert: severity 1
#     emergency: severity 3
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund pino-syslog@4.0.0 >/dev/null
cat >read.mjs <<'JS'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

for (const syslogSeverity of ['alert', 'emergency']) {
  writeFileSync('config.json', JSON.stringify({ customLevels: { own: { level: 70, syslogSeverity } } }))
  const record = JSON.stringify({ level: 70, time: 1767225600000, pid: 1, hostname: 'host', msg: 'text' })
  const options = { input: record + '\n', encoding: 'utf8' }
  const sent = execFileSync('node_modules/.bin/pino-syslog', ['-c', 'config.json'], options)
  console.log(`${syslogSeverity}: severity ${Number(/^<(\d+)>/.exec(sent)[1]) % 8}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
alert: severity 1
emergency: severity 3
SEEN
