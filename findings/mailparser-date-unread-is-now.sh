#!/usr/bin/env bash
# mailparser 3.14.2: a date that it cannot read becomes the time of reading, and nothing tells.
#
# RFC 5322 (4.3) has readers take the zones of old mail, one letter or a name, and read those they do not know as -0000.
# mailparser knows some; for the others it puts the present moment in, in "date" and among the headers too, so that the
# mail of years ago has just come. A mail without a date has none. Needs node 18 or newer and npm.
#
# Seen:
#     Thu, 1 Jan 2015 10:00:00 EST: 2015-01-01T15:00:00.000Z
#     Thu, 1 Jan 2015 10:00:00 K: the time of reading
#     Thu, 2 Jul 2015 10:00:00 CEST: the time of reading
#     none: undefined
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund mailparser@3.14.2 >/dev/null
cat >read.mjs <<'JS'
import { simpleParser } from 'mailparser'

for (const date of ['Thu, 1 Jan 2015 10:00:00 EST', 'Thu, 1 Jan 2015 10:00:00 K', 'Thu, 2 Jul 2015 10:00:00 CEST', '']) {
  const before = Date.now()
  const mail = await simpleParser(['From: a@example.com', ...(date ? ['Date: ' + date] : []), '', 'x', ''].join('\r\n'))
  const now = mail.date >= before && mail.date <= Date.now() && mail.headers.get('date') >= before
  console.log(`${date || 'none'}: ${now ? 'the time of reading' : mail.date?.toISOString()}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
Thu, 1 Jan 2015 10:00:00 EST: 2015-01-01T15:00:00.000Z
Thu, 1 Jan 2015 10:00:00 K: the time of reading
Thu, 2 Jul 2015 10:00:00 CEST: the time of reading
none: undefined
SEEN
