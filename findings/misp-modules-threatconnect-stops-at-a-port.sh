#!/usr/bin/env bash
# misp-modules 3.1.1: the export for ThreatConnect makes nothing of an event in which an address has a port.
#
# ip-dst|port, ip-src|port and filename|md5 are among the types that threat_connect_export says it takes. It looks for a
# ThreatConnect type for each half of the value, has one for both, and raises IndexError: not a line of the event is
# exported, the other attributes neither. Of domain|ip both halves are written.
#
# Seen:
#     a domain and domain|ip -> ['Host,a.example,MISP,', 'Host,b.example,MISP,', 'Address,198.51.100.9,MISP,']
#     a domain and ip-dst|port -> IndexError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json

from misp_modules.modules.export_mod import threat_connect_export


def exported(*attributes):
    """Return the lines of the export, or the name of what it raised."""
    wanted = [{"type": kind, "value": value, "comment": ""} for kind, value in attributes]
    try:
        answer = threat_connect_export.handler(
            json.dumps({"config": {"Default_Source": "MISP"}, "data": [{"Attribute": wanted}]})
        )
    except Exception as error:
        return type(error).__name__
    return base64.b64decode(answer["data"]).decode().splitlines()[1:]


made = {}
for more in ([("domain|ip", "b.example|198.51.100.9")], [("ip-dst|port", "198.51.100.8|443")]):
    made[more[0][0]] = exported(("domain", "a.example"), *more)
    print("a domain and", more[0][0], "->", made[more[0][0]])
assert "ip-dst|port" in threat_connect_export.mispattributes["input"]
assert len(made["domain|ip"]) == 3 and made["ip-dst|port"] == "IndexError"
PYTHON
