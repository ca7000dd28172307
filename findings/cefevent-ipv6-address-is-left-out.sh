#!/usr/bin/env bash
# cefevent 0.5.6: a source that is an IPv6 address is left out of the record, unless strict=True is asked for.
#
# set_field refuses what its table does not allow, and says so by answering False; the record is built without the field,
# and is sent. So go IPv6 addresses of source and destination, and a host name that is longer than its field: a record of
# an attack without who, and nothing to tell it from one in which nobody was known.
#
# Seen:
#     sourceAddress 192.0.2.1 -> CEF:0|CEF Vendor|CEF Product|1.0|0|attack|5|src=192.0.2.1 answer: 192.0.2.1
#     sourceAddress 2001:db8::1 -> CEF:0|CEF Vendor|CEF Product|1.0|0|attack|5| answer: False
#     destinationHostName aaaaaaaaaaa -> CEF:0|CEF Vendor|CEF Product|1.0|0|attack|5| answer: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cefevent==0.5.6
venv/bin/python - <<'PYTHON'
from cefevent import CEFEvent

made = []
for field, value in (
    ("sourceAddress", "192.0.2.1"), ("sourceAddress", "2001:db8::1"), ("destinationHostName", "a" * 1020 + ".example"),
):
    record = CEFEvent()
    record.set_field("name", "attack")
    answer = record.set_field(field, value)
    made.append(record.build_cef())
    print(field, value[:11], "->", made[-1], "answer:", answer)
assert made[0].endswith("|src=192.0.2.1") and made[1] == made[2] and made[1].endswith("|attack|5|")
PYTHON
