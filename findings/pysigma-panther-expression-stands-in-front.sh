#!/usr/bin/env bash
# pySigma 1.5.1 with its Panther backend 0.3.1: a regular expression must stand at the beginning, and its flags are gone.
#
# Sigma's "re" finds an expression anywhere in a field, and "re|i" in any case. The backend writes a rule in Python with
# re.match, which looks at the beginning only, and leaves the flags out. Both rules below are taken without a word.
#
# Seen:
#     f|re: 'mal[0-9]'   -> re.match(r"mal[0-9]", event.deep_get("f", default=""))
#         a mal1 False
#         mal1 True
#     f|re|i: 'mal[0-9]' -> re.match(r"mal[0-9]", event.deep_get("f", default=""))
#         MAL1 False
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
    one:
        %s
    condition: one
"""


class Event(dict):
    """The part of Panther's event that the written rule asks for."""

    def deep_get(self, key, default=None):
        return self.get(key, default)


def found(one, *values):
    text = PantherBackend().convert(SigmaCollection.from_yaml(RULE % one))
    (asked,) = re.findall(r"if (.*):\n", text)
    print(f"{one:18} ->", asked)
    names = {}
    exec(text, names)
    for value in values:
        print("   ", value, names["rule"](Event(f=value)))
    return [names["rule"](Event(f=value)) for value in values]


assert found("f|re: 'mal[0-9]'", "a mal1", "mal1") == [False, True]
assert found("f|re|i: 'mal[0-9]'", "MAL1") == [False]
PYTHON
