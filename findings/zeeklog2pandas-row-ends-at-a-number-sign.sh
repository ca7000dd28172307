#!/usr/bin/env bash
# zeeklog2pandas 1.0.2: a row of a Zeek log ends at its first number sign, and Namibia is missing.
#
# Lines that begin with "#" are the head and foot of a log; in a value it is a letter like others, and file names and
# URLs have it. The reader drops all that follows, the other columns with it. Texts such as NA, the code of Namibia, and
# "null" become "missing", while what Zeek did not set stays "-"; numbers in a column of texts lose their zeros.
# parsezeeklogs reads all of them.
#
# Seen:
#     zeeklog2pandas: {'name': 'report', 'country': nan, 'serial': nan}
#     zeeklog2pandas: {'name': 'b.zip', 'country': nan, 'serial': 45.0}
#     parsezeeklogs: {'name': 'report#1.zip', 'country': 'DE', 'serial': '00123'}
#     parsezeeklogs: {'name': 'b.zip', 'country': 'NA', 'serial': '00045'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check zeeklog2pandas==1.0.2 pandas==2.3.3 \
    parsezeeklogs==3.0.1
venv/bin/python -W ignore - <<'PYTHON' >said
import pathlib

from parsezeeklogs import read_zeek as other
from zeeklog2pandas import read_zeek

pathlib.Path("test.log").write_text("""#separator \\x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	test
#open	2026-01-01-00-00-00
#fields	name	country	serial
#types	string	string	string
report#1.zip	DE	00123
b.zip	NA	00045
#close	2026-01-01-01-00-00
""")
for row in read_zeek("test.log").to_dict("records"):
    print("zeeklog2pandas:", row)
for row in other("test.log"):
    print("parsezeeklogs:", dict(row))
PYTHON
cat said
diff said - <<'SEEN'
zeeklog2pandas: {'name': 'report', 'country': nan, 'serial': nan}
zeeklog2pandas: {'name': 'b.zip', 'country': nan, 'serial': 45.0}
parsezeeklogs: {'name': 'report#1.zip', 'country': 'DE', 'serial': '00123'}
parsezeeklogs: {'name': 'b.zip', 'country': 'NA', 'serial': '00045'}
SEEN
