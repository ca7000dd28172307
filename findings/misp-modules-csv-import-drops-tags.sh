#!/usr/bin/env bash
# misp-modules 3.1.1: csvimport drops the tags of a list, TLP with them, when its columns are named by type.
#
# A list may have the columns "type" and "value", or one column for each type. attribute_tag is taken in both; in the
# second it is read past, so that what was tlp:red comes into MISP without a marking. No error, no warning.
#
# Seen:
#     type,value,attribute_tag: a.example ["tlp:red"]
#     domain,attribute_tag: a.example []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON' | tee said
import base64
import json
import logging

import misp_modules

misp_modules.promote_lib_to_root()  # as the server does at its start
logging.disable(logging.CRITICAL)
from misp_modules.modules.import_mod import csvimport

for header, line in (
    ("type,value,attribute_tag", "domain,a.example,tlp:red"), ("domain,attribute_tag", "a.example,tlp:red"),
):
    data = base64.b64encode(f"{header}\n{line}\n".encode()).decode()
    config = {"header": "", "has_header": "1", "special_delimiter": ""}
    (attribute,) = csvimport.dict_handler({"data": data, "config": config})["results"]["Attribute"]
    tags = [tag["name"] for tag in attribute.get("Tag", [])]
    print(f"{header}:", attribute["value"], json.dumps(tags))
PYTHON
diff said - <<'SEEN'
type,value,attribute_tag: a.example ["tlp:red"]
domain,attribute_tag: a.example []
SEEN
