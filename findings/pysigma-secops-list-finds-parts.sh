#!/usr/bin/env bash
# pySigma 1.5.1 with its Google SecOps backend 1.0.0: a value finds itself alone, in a list it finds whatever holds it.
#
# "f: net.exe" is compared with the whole field. "f: [net.exe, at.exe]" becomes one expression without begin and end, in
# which a dot stands for any character, so that dotnet.exe and cat-exe.txt are found too. The beginnings and ends that a
# list asks for ("endswith") are parts as well. A rule that gets a second value raises alarms that it did not raise
# before.
#
# Seen:
#     f: net.exe                        f = "net.exe" nocase
#     f: [net.exe, at.exe]              f = /net.exe|at.exe/ nocase
#     f|endswith: [net.exe, at.exe]     f = /net\.exe|at\.exe/ nocase
#     expression of the list finds: ['net.exe', 'dotnet.exe', 'cat-exe.txt']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysigma==1.5.1 pysigma-backend-secops==1.0.0
venv/bin/python -W ignore - <<'PYTHON'
import re

from sigma.backends.secops import SecOpsBackend
from sigma.collection import SigmaCollection

RULE = """
title: test
logsource: {category: process_creation, product: windows}
detection:
    one: {%s}
    condition: one
"""
written = {}
for one in ("f: net.exe", "f: [net.exe, at.exe]", "f|endswith: [net.exe, at.exe]"):
    (written[one],) = SecOpsBackend().convert(SigmaCollection.from_yaml(RULE % one))
    print(f"{one:33} {written[one]}")
(expression,) = re.findall("/(.*)/", written["f: [net.exe, at.exe]"])
found = [name for name in ("net.exe", "dotnet.exe", "cat-exe.txt", "cmd.exe") if re.search(expression, name, re.IGNORECASE)]
print("expression of the list finds:", found)
assert written["f: net.exe"] == 'f = "net.exe" nocase' and "$" not in written["f|endswith: [net.exe, at.exe]"]
assert found == ["net.exe", "dotnet.exe", "cat-exe.txt"]
PYTHON
