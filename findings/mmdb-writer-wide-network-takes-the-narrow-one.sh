#!/usr/bin/env bash
# mmdb_writer 0.2.7: a network that is inserted after a narrower one within it takes its place, too.
#
# In a MaxMind database the narrowest network that holds an address answers. The writer lets the last insertion win: a
# network added later erases what was said of its parts, and of what one network is told in two calls the first is lost.
# An export in the order of its feed, rather than from wide to narrow, answers for whole networks what is known of one.
#
# Seen:
#     wide, then narrow: 192.0.2.1 is a command server, 192.0.3.1 is hosting
#     narrow, then wide: 192.0.2.1 is hosting, 192.0.3.1 is hosting
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

wide, narrow = ("192.0.0.0/16", {"is": "hosting"}), ("192.0.2.0/24", {"is": "a command server"})
seen = []
for order, networks in (("wide, then narrow", (wide, narrow)), ("narrow, then wide", (narrow, wide))):
    writer = MMDBWriter()
    for network, value in networks:
        writer.insert_network(IPSet([network]), value)
    writer.to_db_file("list.mmdb")
    with maxminddb.open_database("list.mmdb") as reader:
        seen.append([reader.get(address)["is"] for address in ("192.0.2.1", "192.0.3.1")])
    print(f"{order}: 192.0.2.1 is {seen[-1][0]}, 192.0.3.1 is {seen[-1][1]}")
assert seen == [["a command server", "hosting"], ["hosting", "hosting"]]
PYTHON
