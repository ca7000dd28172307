#!/usr/bin/env bash
# iocextract 1.16.1: a defanged mail address is joined with the word that stands before it.
#
# "Contact admin[at]evil[.]example" gives contactadmin@evil.example: an address that nobody wrote. It happens wherever a
# word and a space precede an address whose at sign or dot is in brackets, the usual way to write one in a report. With
# a colon before the space it does not. (requests is needed, and not installed along: see the other finding.)
#
# Seen:
#     Contact admin[at]evil[.]example: ['contactadmin@evil.example']
#     see admin[@]evil[.]example: ['seeadmin@evil.example']
#     from admin@evil[.]example: ['fromadmin@evil.example']
#     From: admin[at]evil[.]example: ['admin@evil.example']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check iocextract==1.16.1 requests==2.32.5
venv/bin/python -W ignore - <<'PYTHON'
import iocextract

seen = []
for text in (
    "Contact admin[at]evil[.]example", "see admin[@]evil[.]example", "from admin@evil[.]example",
    "From: admin[at]evil[.]example",
):
    seen.append(list(iocextract.extract_emails(text, refang=True)))
    print(f"{text}: {seen[-1]}")
assert seen == [[f"{word}admin@evil.example"] for word in ("contact", "see", "from", "")]
PYTHON
