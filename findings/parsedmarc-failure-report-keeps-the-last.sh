#!/usr/bin/env bash
# parsedmarc 11.1.0: of what a failure report says more than once, the last is kept.
#
# A recipient and a reported address may stand in a report any number of times (RFC 5965, 3.3). parsedmarc writes each
# line over the one before: of three phishing addresses one comes through, of two recipients one. No error, no warning.
#
# Seen:
#     original_rcpt_to: <b@example.com>
#     reported_uri: http://third.example/
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check parsedmarc==11.1.0
venv/bin/python -W ignore - <<'PYTHON' | tee said
import parsedmarc

report = b"""From: r@example.net
Date: Thu, 1 Jan 2026 10:00:00 +0000
Subject: report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

See the report.
--b
Content-Type: message/feedback-report

Feedback-Type: auth-failure
User-Agent: R/1
Version: 1
Arrival-Date: Thu, 1 Jan 2026 09:00:00 +0000
Source-IP: 192.0.2.1
Auth-Failure: spf
Original-Rcpt-To: <a@example.com>
Original-Rcpt-To: <b@example.com>
Reported-Domain: example.com
Reported-URI: http://first.example/
Reported-URI: http://second.example/
Reported-URI: http://third.example/

--b
Content-Type: message/rfc822

From: a@example.com
Date: Thu, 1 Jan 2026 09:00:00 +0000
Subject: hello

text
--b--
"""
read = parsedmarc.parse_report_email(report, offline=True)["report"]
for name in ("original_rcpt_to", "reported_uri"):
    print(f"{name}: {read[name]}")
assert "first.example" not in str(read) and "a@example.com" not in str(read["original_rcpt_to"])
PYTHON
diff said - <<'SEEN'
original_rcpt_to: <b@example.com>
reported_uri: http://third.example/
SEEN
