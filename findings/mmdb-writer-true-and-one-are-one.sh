#!/usr/bin/env bash
# mmdb_writer 0.2.7: of true and 1 the first that is written stands for both, and so it is with false and 0.
#
# MaxMind's format has a type for truth beside its numbers (MaxMind DB 2.0, "boolean"). The writer stores equal values
# once, and for Python True and 1 are equal: which of the two a database holds depends on what was written before. A
# count of 1 is "true" where the first network was anonymous, and the network is 1 where a count came first.
#
# Seen:
#     written: {'is_anonymous': True, 'is_hosting': False, 'seen': 1}
#     read:    {'is_anonymous': True, 'is_hosting': False, 'seen': True}
#     written: {'seen': 1, 'sold': 0, 'is_anonymous': True, 'is_hosting': False}
#     read:    {'seen': 1, 'sold': 0, 'is_anonymous': 1, 'is_hosting': 0}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check mmdb_writer==0.2.7 maxminddb==3.2.0 netaddr==1.3.0
venv/bin/python -W ignore - <<'PYTHON'
import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPSet

read = []
for written in (
    {"is_anonymous": True, "is_hosting": False, "seen": 1},
    {"seen": 1, "sold": 0, "is_anonymous": True, "is_hosting": False},
):
    writer = MMDBWriter()
    writer.insert_network(IPSet(["192.0.2.0/24"]), written)
    writer.to_db_file("list.mmdb")
    with maxminddb.open_database("list.mmdb") as reader:
        read.append(reader.get("192.0.2.1"))
    print("written:", written)
    print("read:   ", read[-1])
assert [[type(value) for value in one.values()] for one in read] == [[bool] * 3, [int] * 4]
PYTHON
