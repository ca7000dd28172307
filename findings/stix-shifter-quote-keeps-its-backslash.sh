#!/usr/bin/env bash
# stix-shifter 8.1.3: for Elastic, a value with an apostrophe is searched for with a backslash in it.
#
# In a STIX pattern an apostrophe within a text is written with a backslash before it, which is no part of the text
# (STIX 2.1, 9.6); stix2-patterns takes it so. The translation keeps it, and doubles it as Elastic wants a real one: no
# file named it's.exe is found. A backslash of the text itself arrives as it should.
#
# Seen:
#     it\'s.exe -> file.name : "it\\'s.exe"
#     C:\\it.exe -> file.name : "C:\\it.exe"
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
for text in (r"it\'s.exe", r"C:\\it.exe"):
    (query,) = StixTranslation().translate("elastic_ecs", "query", "{}", f"[file:name = '{text}']", {})["queries"]
    made[text] = query.partition(" OR ")[0].lstrip("(")
    print(text, "->", made[text])
assert list(made.values()) == [r"file.name : \"it\\'s.exe\"".replace('\\"', '"'), r'file.name : "C:\\it.exe"']
PYTHON
