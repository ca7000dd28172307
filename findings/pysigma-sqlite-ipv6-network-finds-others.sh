#!/usr/bin/env bash
# pySigma 1.5.1 with its SQLite backend 2.0.0: an IPv6 network finds addresses that are not in it.
#
# A network becomes a comparison of text. 2001:db8::/48 is written LIKE '2001:db8:%', which holds for the whole /32, and
# 2001:db8:8000::/33 LIKE '2001:db8:8%' and so on, which holds for 2001:db8:8:: and 2001:db8:a:: (8 and a are 0008 and
# 000a). A rule for a network raises alarms about the others. IPv4 is right, and
# so is pySigma 2.0.1, which no pip installs beside the backends for Splunk, Loki or Kusto: they want one below 2.
#
# Seen:
#     2001:db8::/48 finds ['2001:db8::1', '2001:db8:a::1', '2001:db8:8000::1', '2001:db8:ffff::1'] not in it: ['2001:db8:a::1', '2001:db8:8000::1', '2001:db8:ffff::1']
#     2001:db8:8000::/33 finds ['2001:db8:a::1', '2001:db8:8000::1', '2001:db8:ffff::1'] not in it: ['2001:db8:a::1']
#     192.0.2.0/25 finds ['192.0.2.1'] not in it: []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-sqlite==2.0.0
venv/bin/python -W ignore - <<'PYTHON'
import ipaddress
import sqlite3

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: network_connection, product: windows}
detection:
    one: {ip|cidr: '%s'}
    condition: one
"""
ADDRESSES = [
    "2001:db8::1", "2001:db8:a::1", "2001:db8:8000::1", "2001:db8:ffff::1", "192.0.2.1", "192.0.3.1",
]


def found(network):
    (query,) = sqliteBackend().convert(SigmaCollection.from_yaml(RULE % network))
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE logs (ip TEXT)")
    base.executemany("INSERT INTO logs VALUES (?)", [(one,) for one in ADDRESSES])
    return [one for (one,) in base.execute(query.replace("<TABLE_NAME>", "logs"))]


wrong = {}
for network in ("2001:db8::/48", "2001:db8:8000::/33", "192.0.2.0/25"):
    wrong[network] = [one for one in found(network) if ipaddress.ip_address(one) not in ipaddress.ip_network(network)]
    print(network, "finds", found(network), "not in it:", wrong[network])
assert wrong == {
    "2001:db8::/48": ["2001:db8:a::1", "2001:db8:8000::1", "2001:db8:ffff::1"],
    "2001:db8:8000::/33": ["2001:db8:a::1"],
    "192.0.2.0/25": [],
}
PYTHON
