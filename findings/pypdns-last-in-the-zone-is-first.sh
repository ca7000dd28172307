#!/usr/bin/env bash
# pypdns 2.3.2: when a name was last in a zone file is read as when it was there first.
#
# A record of passive DNS (COF, the common output format) has zone_time_first and zone_time_last for what was seen by
# import of a zone. The reader puts the second in the place of the first and leaves its own empty: a name delegated for
# years seems to be new on the last day of its life. The times of what sensors saw are right.
#
# Seen:
#     written: zone_time_first 1262304000, zone_time_last 1767225600
#     read: zone_time_first 1767225600, zone_time_last None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pypdns==2.3.2
venv/bin/python -W ignore - <<'PYTHON'
from pypdns import PDNSRecord

written = {
    "rrname": "a.example", "rrtype": "NS", "rdata": "ns.example", "time_first": 1262304000, "time_last": 1767225600,
    "zone_time_first": 1262304000, "zone_time_last": 1767225600,
}
read = PDNSRecord(written)
names = ("zone_time_first", "zone_time_last")
print("written:", ", ".join(f"{name} {written[name]}" for name in names))
print("read:", ", ".join(f"{name} {getattr(read, name)}" for name in names))
assert (read.zone_time_first, read.zone_time_last) == (1767225600, None)
assert (read.time_first, read.time_last) == (1262304000, 1767225600)
PYTHON
