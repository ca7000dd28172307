#!/usr/bin/env bash
# PyMISP 2.5.34.4: a mail that was forwarded as an attachment cannot be taken out of the one around it.
#
# "Forward as attachment" makes a part message/rfc822 (RFC 2046, 5.2.1): the way reporters are told to send in a
# phishing mail. EMailObject reads the outer mail, but asked for .attachments raises TypeError at such a part, also for
# those beside it; so does what builds on it, such as the import email_import of misp-modules. Called
# application/octet-stream, the same part is fine.
#
# Seen:
#     message/rfc822: TypeError("a bytes-like object is required, not 'EmailMessage'")
#     application/octet-stream: ['phish.eml', 'note.txt']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[email]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import EMailObject

MAIL = """From: a@a.example
Subject: Is this real?
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=edge

--edge
Content-Type: text/plain

See attached.
--edge
Content-Type: {}
Content-Disposition: attachment; filename="phish.eml"

From: phish@c.example
Subject: Your account

Hello
--edge
Content-Type: text/plain
Content-Disposition: attachment; filename="note.txt"

A note
--edge--
"""
seen = {}
for kind in ("message/rfc822", "application/octet-stream"):
    mail = EMailObject(pseudofile=MAIL.format(kind).encode())
    try:
        seen[kind] = [name for name, _ in mail.attachments]
    except TypeError as error:
        seen[kind] = repr(error)
    print(f"{kind}: {seen[kind]}")
assert seen["message/rfc822"].startswith("TypeError") and seen["application/octet-stream"] == ["phish.eml", "note.txt"]
PYTHON
