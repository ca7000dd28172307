#!/usr/bin/env bash
# PyMISP 2.5.34.4: EMailObject takes no IPv6 address with "::" from a mail's Received lines.
#
# The lines are read for public addresses (received-header-ip). Servers write an IPv6 literal as
# [IPv6:2606:4700:4700::1111] (RFC 5321, 4.1.3), nearly always with "::", as RFC 5952 wants. Only an address written out
# in full is found, so a hop by IPv6 leaves no trace but the raw header. The first line of the mail below is the one
# that its recipient's own server wrote.
#
# Seen:
#     [IPv6:2606:4700:4700::1111]: []
#     [IPv6:2606:4700:4700:0:0:0:0:1111]: ['2606:4700:4700:0:0:0:0:1111']
#     [9.9.9.9]: ['9.9.9.9']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[email]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import EMailObject

seen = []
for literal in ("[IPv6:2606:4700:4700::1111]", "[IPv6:2606:4700:4700:0:0:0:0:1111]", "[9.9.9.9]"):
    line = f"Received: from a.example (a.example {literal}) by mx.b.example with ESMTPS; Mon, 5 Jan 2026 10:00:00 +0000"
    mail = EMailObject(pseudofile=f"{line}\nFrom: a@a.example\nSubject: Hello\n\nHello\n".encode())
    found = [one.value for one in mail.attributes if one.object_relation == "received-header-ip"]
    print(f"{literal}: {found}")
    seen.append(found)
assert seen == [[], ["2606:4700:4700:0:0:0:0:1111"], ["9.9.9.9"]]
PYTHON
