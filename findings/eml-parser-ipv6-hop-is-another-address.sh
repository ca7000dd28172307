#!/usr/bin/env bash
# eml-parser 2.0.0: an IPv6 hop in a Received line is read with a "6:" before it, which is another address.
#
# Servers write an IPv6 literal as [IPv6:2606:4700:4700::1111] (RFC 5321, 4.1.3). The "6" of that tag is taken for the
# first group of the address, in "received" and in "received_ip": 6:2606:4700:4700::1111 is a valid address, in a
# network that is nobody's, and one that is written out in full loses its last group besides. IPv4 is right.
#
# Seen:
#     [IPv6:2606:4700:4700::1111]: ['6:2606:4700:4700::1111']
#     [IPv6:2606:4700:4700:0:0:0:0:1111]: ['6:2606:4700:4700::']
#     [9.9.9.9]: ['9.9.9.9']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check eml-parser==2.0.0
venv/bin/python -W ignore - <<'PYTHON'
from eml_parser import EmlParser

found = {}
for literal in ("[IPv6:2606:4700:4700::1111]", "[IPv6:2606:4700:4700:0:0:0:0:1111]", "[9.9.9.9]"):
    line = f"Received: from a.example (a.example {literal}) by mx.b.example with ESMTPS; Mon, 5 Jan 2026 10:00:00 +0000"
    mail = f"{line}\nFrom: a@a.example\nSubject: Hello\n\nHello\n".encode()
    found[literal] = EmlParser().decode_email_bytes(mail)["header"]["received_ip"]
    print(f"{literal}: {found[literal]}")
assert list(found.values()) == [["6:2606:4700:4700::1111"], ["6:2606:4700:4700::"], ["9.9.9.9"]]
PYTHON
