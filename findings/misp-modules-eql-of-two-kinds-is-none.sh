#!/usr/bin/env bash
# misp-modules 3.1.1: an event with an address and a file name becomes an EQL export that EQL cannot read.
#
# mass_eql_export writes one query per kind. The second begins on the line where the first ends, and starts with "or":
# as a whole it is no EQL (eql 1.0.1, its own library). Cut apart by hand, a Windows path is still wrong: "\" is not
# escaped, so that \n and \t of C:\new\tool.exe are a line break and a tab, and the query matches nothing; in EQL a path
# needs "\\".
#
# Seen:
#     network where
#     	destination_address == "192.0.2.1"file where
#      or
#     	file_name == "C:\new\tool.exe"
#     as a whole: EqlSyntaxError
#     the file alone finds C:\new\tool.exe: False, with "\\": True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1 eql==1.0.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json

import eql
from misp_modules.modules.export_mod import mass_eql_export

PATH = r"C:\new\tool.exe"


def exported(**attributes):
    wanted = [{"type": kind.replace("_", "-"), "value": value} for kind, value in attributes.items()]
    answer = mass_eql_export.handler(json.dumps({"data": [{"Attribute": wanted}]}))
    return base64.b64decode(answer["data"]).decode()


def finds(query):
    return bool(list(eql.get_engine(query)([eql.Event("file", 1, {"file_name": PATH})])))


both = exported(ip_dst="192.0.2.1", filename=PATH)
print(both)
try:
    eql.parse_query(both)
    said = "read"
except eql.EqlSyntaxError as error:
    said = type(error).__name__
print("as a whole:", said)
alone = exported(filename=PATH)
as_it_is, escaped = finds(alone), finds(alone.replace("\\", "\\\\"))
print(f'the file alone finds {PATH}: {as_it_is}, with "\\\\": {escaped}')
assert said == "EqlSyntaxError" and (as_it_is, escaped) == (False, True)
PYTHON
