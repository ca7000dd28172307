#!/usr/bin/env bash
# yara-python 4.5.4 and yara-x 1.23.0: "0 of them" holds for files in which none is found, or for all files.
#
# YARA reads "0 of them" as "none of them". For YARA-X it is "at least none", which is true of everything. A rule made
# to find what lacks a signature finds, moved to YARA-X, every file: both take the rule, and neither warns. "none of
# them" is the same in both.
#
# Seen:
#     0 of them, on 'neither': yara True, yara-x True
#     0 of them, on 'MZ and PE': yara False, yara-x True
#     none of them, on 'neither': yara True, yara-x True
#     none of them, on 'MZ and PE': yara False, yara-x False
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
for condition in ("0 of them", "none of them"):
    rule = f'rule a {{ strings: $a = "MZ" $b = "PE" condition: {condition} }}'
    for data in (b"neither", b"MZ and PE"):
        old, new = yara.compile(source=rule).match(data=data), yara_x.compile(rule).scan(data).matching_rules
        found[condition, data] = bool(old), bool(new)
        print(f"{condition}, on {data.decode()!r}: yara {bool(old)}, yara-x {bool(new)}")
assert [one for one, (old, new) in found.items() if old is not new] == [("0 of them", b"MZ and PE")]
PYTHON
