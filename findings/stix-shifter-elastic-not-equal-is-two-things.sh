#!/usr/bin/env bash
# stix-shifter 8.1.3: for Elastic, != and NOT = of one pattern are two different questions.
#
# x != 'a' and x NOT = 'a' say the same (STIX 2.1, 9.6). Where a STIX property stands for several fields, as
# ipv4-addr:value does for source, destination and more, != asks for events in which any of them differs, which are
# nearly all, those with the address included; NOT = asks for events in which none is equal. A hunt for "not our proxy"
# has two answers.
#
# Seen:
#     != -> ((NOT source.ip : "198.51.100.7" AND source.ip:*) OR (NOT destination.ip : "198.51.100.7" AND destination.ip:*) OR …
#     NOT = -> (NOT ((source.ip : "198.51.100.7" OR destination.ip : "198.51.100.7" OR …
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix-shifter==8.1.3 stix-shifter-utils==8.1.3 \
    stix-shifter-modules-elastic-ecs==8.1.3 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging

logging.disable(logging.CRITICAL)
from stix_shifter.stix_translation.stix_translation import StixTranslation

made = {}
for operator in ("!=", "NOT ="):
    pattern = f"[ipv4-addr:value {operator} '198.51.100.7']"
    (query,) = StixTranslation().translate("elastic_ecs", "query", "{}", pattern, {})["queries"]
    made[operator] = " OR ".join(query.split(" OR ")[:2])
    print(operator, "->", made[operator], "OR …")
assert made["!="] == (
    '((NOT source.ip : "198.51.100.7" AND source.ip:*) OR (NOT destination.ip : "198.51.100.7" AND destination.ip:*)'
)
assert made["NOT ="] == '(NOT ((source.ip : "198.51.100.7" OR destination.ip : "198.51.100.7"'
PYTHON
