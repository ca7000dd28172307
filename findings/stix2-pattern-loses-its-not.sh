#!/usr/bin/env bash
# stix2 3.0.2: a pattern that is read and written again has lost its NOT.
#
# create_pattern_object reads a pattern into objects, whose text is a pattern again. NOT before IN, LIKE, MATCHES and
# ISSUBSET (STIX 2.1, 9.6: any comparison may be negated) is dropped on the way, so that the indicator finds what it was
# made to except. Also equivalent_patterns, by which duplicates are looked for, calls the two equal. NOT before = stays.
#
# Seen:
#     [file:name NOT = 'a'] -> [file:name NOT = 'a']
#     [file:name NOT IN ('a', 'b')] -> [file:name IN ('a', 'b')]
#     [file:name NOT LIKE 'a%'] -> [file:name LIKE 'a%']
#     [file:name NOT MATCHES 'a'] -> [file:name MATCHES 'a']
#     [ipv4-addr:value NOT ISSUBSET '192.0.2.0/24'] -> [ipv4-addr:value ISSUBSET '192.0.2.0/24']
#     IN and NOT IN are equivalent: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2==3.0.2 stix2-patterns==2.1.2
venv/bin/python -W ignore - <<'PYTHON'
from stix2.equivalence.pattern import equivalent_patterns
from stix2.pattern_visitor import create_pattern_object

lost = [
    "[file:name NOT IN ('a', 'b')]", "[file:name NOT LIKE 'a%']", "[file:name NOT MATCHES 'a']",
    "[ipv4-addr:value NOT ISSUBSET '192.0.2.0/24']",
]
written = {given: str(create_pattern_object(given, version="2.1")) for given in ["[file:name NOT = 'a']", *lost]}
for given, again in written.items():
    print(given, "->", again)
same = equivalent_patterns("[file:name IN ('a', 'b')]", "[file:name NOT IN ('a', 'b')]")
print("IN and NOT IN are equivalent:", same)
assert written["[file:name NOT = 'a']"] == "[file:name NOT = 'a']" and same
assert all(written[given] == given.replace("NOT ", "") for given in lost)
PYTHON
