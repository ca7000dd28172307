#!/usr/bin/env bash
# pySigma 1.5.1 with its Panther backend 0.3.1: beside a star, a question mark makes the letter before it optional.
#
# The backend writes a rule in Python. A value with a star inside becomes a regular expression, in which only the star
# is translated: "?" and "." keep the meaning that they have there. Sigma's "?" is any one character and "." is itself.
# The rule below misses what it describes and finds other names. Without a star the value is compared as it stands, "?"
# and all.
#
# Seen:
#     value h?st*.exe -> re.match(r"^h?st.*.exe$", event.deep_get("f", default=""))
#         host1.exe False
#         hst1.exe True
#         st-exe True
#     value h?st -> event.deep_get("f", default="") == "h?st"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-panther==0.3.1
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.panther import PantherBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {f: "%s"}
    condition: one
"""


class Event(dict):
    """The part of Panther's event that the written rule asks for."""

    def deep_get(self, key, default=None):
        return self.get(key, default)


def written(value):
    text = PantherBackend().convert(SigmaCollection.from_yaml(RULE % value))
    (asked,) = re.findall(r"if (.*):\n", text)
    print("value", value, "->", asked)
    names = {}
    exec(text, names)
    return asked, names["rule"]


asked, rule = written("h?st*.exe")
found = {}
for name in ("host1.exe", "hst1.exe", "st-exe"):
    found[name] = rule(Event(f=name))
    print("   ", name, found[name])
assert found == {"host1.exe": False, "hst1.exe": True, "st-exe": True}
assert written("h?st")[0].endswith('== "h?st"')
PYTHON
