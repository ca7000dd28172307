#!/usr/bin/env bash
# cortexutils 2.2.1: a sentence that begins with an address is an artifact of type ip, and a file name is a domain.
#
# An analyzer's report is searched for artifacts, which Cortex hands to TheHive. By the extractor's own description only
# values that stand alone are found. For addresses the expression has a beginning and no end: "198.51.100.7 was seen", a
# network and an address with a port become artifacts of type ip, whole as they are, which no address equals.
#
# Seen:
#     {'dataType': 'ip', 'data': '198.51.100.7'}
#     {'dataType': 'ip', 'data': '198.51.100.7 was seen'}
#     {'dataType': 'ip', 'data': '198.51.100.0/24'}
#     {'dataType': 'ip', 'data': '198.51.100.7:443'}
#     {'dataType': 'ip', 'data': '1.2.3.4-beta'}
#     {'dataType': 'domain', 'data': 'report.pdf'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cortexutils==2.2.1
venv/bin/python -W ignore - <<'PYTHON'
from cortexutils.extractor import Extractor

report = {
    "address": "198.51.100.7", "summary": "198.51.100.7 was seen", "network": "198.51.100.0/24",
    "peer": "198.51.100.7:443", "version": "1.2.3.4-beta", "file": "report.pdf", "more": "seen: 198.51.100.7",
}
found = Extractor().check_iterable(report)
for artifact in sorted(found, key=lambda artifact: list(report.values()).index(artifact["data"])):
    print(artifact)
assert {(artifact["dataType"], artifact["data"]) for artifact in found} == {
    ("ip", "198.51.100.7"), ("ip", "198.51.100.7 was seen"), ("ip", "198.51.100.0/24"), ("ip", "198.51.100.7:443"),
    ("ip", "1.2.3.4-beta"), ("domain", "report.pdf"),
}
PYTHON
