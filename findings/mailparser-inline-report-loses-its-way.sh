#!/usr/bin/env bash
# mailparser 3.14.2: of a reported message that stands inline the Received lines are gone, and it is no attachment.
#
# The example of an abuse report (RFC 5965, B.1) marks the reported message Content-Disposition: inline. mailparser then
# writes its sender, recipient and subject into the text of the report itself and forgets its other headers: the way it
# came, its Message-ID, its DKIM signature. Without that one line it is an attachment, whole. Needs node 18 or newer and
# npm.
#
# Seen:
#     without a disposition: attachments 1, the hop is kept: true
#     inline: attachments 0, the hop is kept: false
#     text: "See the report.\n\nFrom: spammer@example.net\nSubject: Earn money\n\nSpam"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund mailparser@3.14.2 >/dev/null
cat >read.mjs <<'JS'
import { simpleParser } from 'mailparser'

const report = (line) =>
  [
    'From: abuse@example.com', 'Subject: report', 'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary=b', '',
    '--b', 'Content-Type: text/plain', '', 'See the report.',
    '--b', 'Content-Type: message/rfc822', ...line, '',
    'Received: from mail.example.net ([192.0.2.1]) by mx.example.com', 'From: spammer@example.net',
    'Message-ID: <1@example.net>', 'Subject: Earn money', '', 'Spam',
    '--b--', '',
  ].join('\r\n')
for (const [name, line] of [['without a disposition', []], ['inline', ['Content-Disposition: inline']]]) {
  const mail = await simpleParser(report(line))
  const all = mail.text + mail.attachments.map((one) => one.content.toString()).join()
  console.log(`${name}: attachments ${mail.attachments.length}, the hop is kept: ${all.includes('192.0.2.1')}`)
  if (line.length) console.log('text:', JSON.stringify(mail.text))
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
without a disposition: attachments 1, the hop is kept: true
inline: attachments 0, the hop is kept: false
text: "See the report.\n\nFrom: spammer@example.net\nSubject: Earn money\n\nSpam"
SEEN
