#!/usr/bin/env bash
# PyMISP 2.5.34.4: without pyfaup, the object of a URL holds another URL.
#
# URLObject decodes percent escapes of the whole URL and blanks written as "+", and takes away credentials and what
# follows ";". RFC 3986 (2.2, 6.2.2.2) keeps escapes of reserved characters apart from the characters: decoded, a query
# has other parameters. A rule or a sandbox given that attribute never meets the URL that was reported. pyfaup is an
# extra ([url]) that gives way to publicsuffixlist, which misp-modules brings; with pyfaup the URL stays as it is, so
# that the same program gives two values on two machines.
#
# Seen:
#     given: http://user@h.example/a%2Fb;v=1?next=http%3A%2F%2Fc.example%2F%3Fx%3D1%26y%3D2&q=1+2
#     kept:  http://h.example/a/b?next=http://c.example/?x=1&y=2&q=1 2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4 publicsuffixlist==1.1.2.20261023
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import URLObject

given = "http://user@h.example/a%2Fb;v=1?next=http%3A%2F%2Fc.example%2F%3Fx%3D1%26y%3D2&q=1+2"
(kept,) = [one.value for one in URLObject(given).attributes if one.object_relation == "url"]
print("given:", given)
print("kept: ", kept)
assert kept == "http://h.example/a/b?next=http://c.example/?x=1&y=2&q=1 2"
PYTHON
