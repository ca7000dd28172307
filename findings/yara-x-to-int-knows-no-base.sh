#!/usr/bin/env bash
# yara-python 4.5.4 and yara-x 1.23.0: string.to_int makes 16 of "0x10", or nothing.
#
# A text that begins with 0x is read as hexadecimal, one that begins with 0 as octal: so say the documentation of YARA
# and that of YARA-X (module "string"). YARA-X reads decimals alone: "0x10" has no value, and "010" is ten. A rule that
# compares such a text of a file matches nothing, or another file; both take the rule.
#
# Seen:
#     to_int("0x10") == 16: yara True, yara-x False
#     to_int("010") == 8: yara True, yara-x False
#     to_int("010") == 10: yara False, yara-x True
#     to_int("16") == 16: yara True, yara-x True
#     to_int("10", 16) == 16: yara True, yara-x True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check yara-python==4.5.4 yara-x==1.23.0
venv/bin/python - <<'PYTHON'
import yara
import yara_x

found = {}
for asked in ('"0x10") == 16', '"010") == 8', '"010") == 10', '"16") == 16', '"10", 16) == 16'):
    rule = f'import "string" rule a {{ condition: string.to_int({asked} }}'
    old, new = yara.compile(source=rule).match(data=b""), yara_x.compile(rule).scan(b"").matching_rules
    found[asked] = bool(old), bool(new)
    print(f"to_int({asked}: yara {bool(old)}, yara-x {bool(new)}")
assert list(found.values()) == [(True, False), (True, False), (False, True), (True, True), (True, True)]
PYTHON
