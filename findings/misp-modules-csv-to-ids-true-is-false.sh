#!/usr/bin/env bash
# misp-modules 3.1.1: csvimport reads to_ids "true" as false, and nothing at all as true.
#
# "1" is the only yes. Lists from elsewhere say true, and Python's own csv writes True: all of these come in not for
# detection, while an empty cell has what its type has, which for a domain is yes. The documentation of the module does
# not say which words it knows.
#
# Seen:
#     "1": True
#     "true": False
#     "True": False
#     "0": False
#     "": True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON' | tee said
import base64
import logging

import misp_modules

misp_modules.promote_lib_to_root()  # as the server does at its start
logging.disable(logging.CRITICAL)
from misp_modules.modules.import_mod import csvimport

for said in ("1", "true", "True", "0", ""):
    data = base64.b64encode(f"domain,to_ids\na.example,{said}\n".encode()).decode()
    config = {"header": "", "has_header": "1", "special_delimiter": ""}
    (attribute,) = csvimport.dict_handler({"data": data, "config": config})["results"]["Attribute"]
    print(f'"{said}":', attribute["to_ids"])
PYTHON
diff said - <<'SEEN'
"1": True
"true": False
"True": False
"0": False
"": True
SEEN
