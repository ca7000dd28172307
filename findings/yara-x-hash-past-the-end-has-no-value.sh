#!/usr/bin/env bash
# yara-python 4.5.4 and yara-x 1.23.0: in YARA-X the hash of a file's first bytes has no value, if the file is shorter.
#
# hash.md5(0, 1024) is the hash of what there is in YARA, for a file of three bytes that of the three. In YARA-X it is
# undefined, and every comparison with it false. Its own math module takes what there is, as YARA's does. Both compile
# such rules without a warning. So it is with sha1, sha256, crc32 and checksum32.
#
# Seen:
#     hash.md5(0, 1024) == "900150983cd24fb0d6963f7d28e17f72": yara True, yara-x False
#     hash.md5(0, 3) == "900150983cd24fb0d6963f7d28e17f72": yara True, yara-x True
#     hash.crc32(0, 1024) == 891568578: yara True, yara-x False
#     math.entropy(0, 1024) > 1.5: yara True, yara-x True
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
for condition in (
    'hash.md5(0, 1024) == "900150983cd24fb0d6963f7d28e17f72"', 'hash.md5(0, 3) == "900150983cd24fb0d6963f7d28e17f72"',
    "hash.crc32(0, 1024) == 891568578", "math.entropy(0, 1024) > 1.5",
):
    rule = 'import "hash"\nimport "math"\nrule test { condition: %s }' % condition
    old = bool(yara.compile(source=rule).match(data=b"abc"))
    new = bool(yara_x.Scanner(yara_x.compile(rule)).scan(b"abc").matching_rules)
    print(f"{condition}: yara {old}, yara-x {new}")
    found[condition[:17]] = (old, new)
assert list(found.values()) == [(True, False), (True, True), (True, False), (True, True)]
PYTHON
