#!/usr/bin/env bash
# misp-modules 3.1.1: a path exported to YARA finds nothing, for its backslashes are read as escapes.
#
# In a YARA string \t is a tab and \n a line end; a backslash is written \\. yara_export writes the value as it is: the
# rule for C:\temp\new.exe compiles, looks for other bytes, and never finds the file. A path with \U, which is no
# escape, makes the whole file of rules one that does not compile. The same holds for e-mail subjects and patterns.
#
# Seen:
#     new.exe: compiles, finds it: True
#     C:\temp\new.exe: compiles, finds it: False
#     C:\Users\new.exe: does not compile
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1 yara-python==4.5.4
venv/bin/python -W ignore - <<'PYTHON' | tee said
import base64
import json

import yara
from misp_modules.modules.export_mod import yara_export

for value in ("new.exe", r"C:\temp\new.exe", r"C:\Users\new.exe"):
    event = {
        "Event": {"id": "7", "info": "E", "date": "2026-01-02", "uuid": "5f1d8b8a-1111-4111-8111-111111111111"},
        "Orgc": {"name": "ORG"},
        "Attribute": [{"type": "filename", "value": value, "to_ids": True, "event_id": "7"}],
    }
    rules = base64.b64decode(yara_export.handler(json.dumps({"config": {}, "data": [event]}))["data"]).decode()
    try:
        print(f"{value}: compiles, finds it: {bool(yara.compile(source=rules).match(data=value))}")
    except yara.SyntaxError:
        print(f"{value}: does not compile")
PYTHON
diff said - <<'SEEN'
new.exe: compiles, finds it: True
C:\temp\new.exe: compiles, finds it: False
C:\Users\new.exe: does not compile
SEEN
