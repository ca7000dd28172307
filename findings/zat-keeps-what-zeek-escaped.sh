#!/usr/bin/env bash
# zat 0.4.9: what Zeek wrote as \x and two digits is left so, and an empty set is the text "(empty)".
#
# In a log of tabs Zeek writes separators and all that is not printable ASCII in that form, so bücher.example is
# b\xc3\xbccher.example. zat hands out the backslashes: no search for the name finds it, nor one for a path with a tab
# in it. A set is one text with commas, and the empty one is a member of that name. parsezeeklogs undoes all of this.
#
# Seen:
#     zat:           {'host': 'b\\xc3\\xbccher.example', 'tags': '(empty)', 'names': 'a\\x2cb,c'}
#     parsezeeklogs: {'host': 'bücher.example', 'tags': [], 'names': ['a,b', 'c']}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check zat==0.4.9 parsezeeklogs==3.0.1
PYTHONIOENCODING=utf-8 venv/bin/python -W ignore - <<'PYTHON'
from parsezeeklogs import read_zeek
from zat.zeek_log_reader import ZeekLogReader

LOG = """#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\ttest
#fields\thost\ttags\tnames
#types\tstring\tset[string]\tset[string]
b\\xc3\\xbccher.example\t(empty)\ta\\x2cb,c
#close\t2026-01-01-01-00-00
"""
with open("test.log", "w") as file:
    file.write(LOG)
(zat,) = ZeekLogReader("test.log").readrows()
(other,) = read_zeek("test.log")
print("zat:          ", zat)
print("parsezeeklogs:", dict(other))
assert zat == {"host": r"b\xc3\xbccher.example", "tags": "(empty)", "names": r"a\x2cb,c"}
assert dict(other) == {"host": "bücher.example", "tags": [], "names": ["a,b", "c"]}
PYTHON
