#!/usr/bin/env bash
# PyMISP 2.5.34.4: EMailObject(attach_original_email=False) attaches the original mail.
#
# The parameter is a bool, True by default. False makes no difference: the object has the whole mail as its attribute
# "eml", with every recipient and the body, which goes wherever the event goes. Only None, which its type does not know,
# leaves it out.
#
# Seen:
#     True ['eml']
#     False ['eml']
#     None []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[email]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import EMailObject

MAIL = b"From: a@a.example\nTo: b@b.example\nSubject: Hello\n\nNot to be passed on.\n"
seen = {}
for said in (True, False, None):
    attributes = EMailObject(pseudofile=MAIL, attach_original_email=said).attributes
    seen[said] = [one.object_relation for one in attributes if one.data]
    print(said, seen[said])
assert seen == {True: ["eml"], False: ["eml"], None: []}
PYTHON
