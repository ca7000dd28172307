#!/usr/bin/env bash
# mail-parser 4.8.0: a long subject is read with the line break by which it was folded.
#
# Mail programs fold a long header into several lines; reading it, the break is taken out again and the blank after it
# stays (RFC 5322, 2.2.3). mail-parser leaves the break in: the subject of any long mail is another than the one that
# its sender wrote, and a search for it, a rule or a MISP attribute email-subject made of it finds no other mail.
# Python's own reader gives the right one.
#
# Seen:
#     mail-parser: 'Your invoice of January is\r\n overdue'
#     email: 'Your invoice of January is overdue'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check mail-parser==4.8.0
venv/bin/python -W ignore - <<'PYTHON'
import email
import email.policy

import mailparser

MAIL = b"From: a@a.example\r\nSubject: Your invoice of January is\r\n overdue\r\n\r\nHello\r\n"
read = mailparser.parse_from_bytes(MAIL).subject
right = email.message_from_bytes(MAIL, policy=email.policy.default)["Subject"]
print("mail-parser:", repr(read))
print("email:", repr(str(right)))
assert "\n" in read and right == "Your invoice of January is overdue"
PYTHON
