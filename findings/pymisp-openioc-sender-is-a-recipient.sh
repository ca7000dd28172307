#!/usr/bin/env bash
# PyMISP 2.5.34.4: the OpenIOC import makes the sender of a mail its recipient, and the body its subject.
#
# Email/From of OpenIOC is who sent a mail; MISP's type for that is email-src. load_openioc makes email-dst of it, with
# to_ids set: what is fed by recipients looks for mail to the attacker, what is fed by senders finds nothing. Email/Body
# becomes an email-subject. Email/To is target-email, as one expects.
#
# Seen:
#     email-dst sender@bad.example True
#     email-subject open the attached bill False
#     target-email you@b.example False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[openioc]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import load_openioc

IOC = """<?xml version="1.0" encoding="utf-8"?>
<ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="5f1d8b8a-0000-4000-8000-000000000001">
<short_description>A report</short_description>
<definition><Indicator operator="OR" id="5f1d8b8a-0000-4000-8000-000000000002">{}</Indicator></definition>
</ioc>"""

items = "".join(
    f'<IndicatorItem id="5f1d8b8a-0000-4000-8000-00000000001{number}" condition="is">'
    f'<Context document="Email" search="Email/{field}" type="mir"/><Content type="string">{value}</Content></IndicatorItem>'
    for number, (field, value) in enumerate(
        {"From": "sender@bad.example", "To": "you@b.example", "Body": "open the attached bill"}.items()
    )
)
found = sorted((one.type, one.value, one.to_ids) for one in load_openioc(IOC.format(items)).attributes)
for one in found:
    print(*one)
assert ("email-dst", "sender@bad.example", True) in found and ("email-subject", "open the attached bill", False) in found
assert ("target-email", "you@b.example", False) in found
PYTHON
