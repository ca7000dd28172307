#!/usr/bin/env bash
# misp-modules 3.1.1: the export to YARA changes the strings of rules, and leaves a rule out that names another.
#
# yara_export "cleans up" rules that an event holds, in their strings too: a backquote becomes an apostrophe, "Rule "
# becomes "rule ", and the rule no longer finds the file that it is about. It also gives each rule another name, but not
# where a condition names it: such rules do not compile any more and are missing, both, without a word.
#
# Seen:
#     $a = "`whoami`": as written 1, as exported 0
#     $a = "Golden Rule 7": as written 1, as exported 0
#     $a = "Golden 7": as written 1, as exported 1
#     a rule and one that names it: as written 2, as exported 0
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


def found(rules, seen):
    return len(yara.compile(source=rules).match(data=seen)) if rules.strip() else 0


def exported(rule):
    event = {
        "Event": {"id": "7", "info": "E", "date": "2026-01-02", "uuid": "5f1d8b8a-1111-4111-8111-111111111111"},
        "Orgc": {"name": "ORG"},
        "Attribute": [{"type": "yara", "value": rule, "to_ids": True, "event_id": "7"}],
    }
    answer = yara_export.handler(json.dumps({"config": {}, "data": [event]}))
    return base64.b64decode(answer["data"]).decode().partition("rule MISP_e7_E {")[0]


texts = ("`whoami`", "Golden Rule 7", "Golden 7")
cases = [(f'$a = "{text}"', 'rule r { strings: $a = "%s" condition: $a }' % text, text) for text in texts]
both = 'rule first { strings: $a = "x1" condition: $a }\nrule second { condition: first }'
cases.append(("a rule and one that names it", both, "x1"))
for name, rule, seen in cases:
    print(f"{name}: as written {found(rule, seen)}, as exported {found(exported(rule), seen)}")
PYTHON
diff said - <<'SEEN'
$a = "`whoami`": as written 1, as exported 0
$a = "Golden Rule 7": as written 1, as exported 0
$a = "Golden 7": as written 1, as exported 1
a rule and one that names it: as written 2, as exported 0
SEEN
