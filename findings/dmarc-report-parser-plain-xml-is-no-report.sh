#!/usr/bin/env bash
# dmarc-report-parser 0.1.5: a report attached as plain XML is not read, though that is said to be one of three ways.
#
# Its README takes .zip, .gz and .xml. What it finds in an .xml attachment it throws away for being bytes and not text,
# so that the mail "has no report"; where another attachment is compressed, the plain one is missing without a word. A
# compressed report that does not begin with an XML declaration, which XML does not ask for, is missing too. Needs node
# 18 or newer and npm.
#
# Seen:
#     gz: 1
#     xml: No DMARC reports found in email
#     gz and xml: 1
#     gz, no declaration: No DMARC reports found in email
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund dmarc-report-parser@0.1.5 >/dev/null
cat >read.mjs <<'JS'
import { gzipSync } from 'node:zlib'
import reader from 'dmarc-report-parser'

const report = (id, head = '<?xml version="1.0"?>') =>
  `${head}<feedback><report_metadata><org_name>o</org_name><email>o@example.net</email><report_id>${id}</report_id>
<date_range><begin>1767225600</begin><end>1767311999</end></date_range></report_metadata>
<policy_published><domain>example.com</domain><p>reject</p></policy_published><record><row><source_ip>192.0.2.1</source_ip>
<count>1</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated></row>
<identifiers><header_from>example.com</header_from></identifiers><auth_results><spf><domain>example.com</domain>
<result>pass</result></spf></auth_results></record></feedback>`
const plain = (text) => [Buffer.from(text), 'report.xml', 'text/xml']
const packed = (text) => [gzipSync(text), 'report.xml.gz', 'application/gzip']
const mail = (...parts) =>
  ['From: o@example.net', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '']
    .concat(...parts.map(([body, name, kind]) => [
      '--b', `Content-Type: ${kind}`, `Content-Disposition: attachment; filename=${name}`,
      'Content-Transfer-Encoding: base64', '', body.toString('base64'),
    ]), '--b--', '').join('\r\n')
const mails = {
  gz: mail(packed(report(1))),
  xml: mail(plain(report(1))),
  'gz and xml': mail(packed(report(1)), plain(report(2))),
  'gz, no declaration': mail(packed(report(1, ''))),
}
for (const [name, text] of Object.entries(mails)) {
  const told = await reader.parseDmarcReportFromEmail(text).then((read) => read.totalReports, (error) => error.message)
  console.log(`${name}: ${told}`)
}
JS
node read.mjs | tee said
diff said - <<'SEEN'
gz: 1
xml: No DMARC reports found in email
gz and xml: 1
gz, no declaration: No DMARC reports found in email
SEEN
