#!/usr/bin/env bash
# zat 0.4.9: what Zeek did not know is read as zero, false or no time at all.
#
# Zeek writes "-" for a field that has no value: the length of a connection that it did not see end, the bytes of one
# that never began. The reader of zat makes 0, False and timedelta(0) of it, by the type of the column, so that "not
# known" and "none" are one. Averages, thresholds and "is it local?" are wrong by that. parsezeeklogs leaves such fields
# out.
#
# Seen:
#     zat, known:   {'duration': '0:00:00.500000', 'orig_bytes': '0', 'local_orig': 'False'}
#     zat, unknown: {'duration': '0:00:00', 'orig_bytes': '0', 'local_orig': 'False'}
#     parsezeeklogs, unknown: {'ts': 1767312001.0, 'uid': 'C2'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check zat==0.4.9 parsezeeklogs==3.0.1
venv/bin/python -W ignore - <<'PYTHON'
import contextlib
import io
import json
import pathlib

from parsezeeklogs import ParseZeekLogs
from zat.zeek_log_reader import ZeekLogReader

pathlib.Path("conn.log").write_text("""#separator \\x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#fields	ts	uid	duration	orig_bytes	local_orig
#types	time	string	interval	count	bool
1767312000.000000	C1	0.500000	0	F
1767312001.000000	C2	-	-	-
""")
with contextlib.redirect_stdout(io.StringIO()):
    rows = list(ZeekLogReader("conn.log").readrows())
known, unknown = ({name: str(row[name]) for name in ("duration", "orig_bytes", "local_orig")} for row in rows)
print("zat, known:  ", known)
print("zat, unknown:", unknown)
others = [json.loads(line) for line in ParseZeekLogs("conn.log", output_format="json", safe_headers=False)]
print("parsezeeklogs, unknown:", others[1])
assert unknown == {"duration": "0:00:00", "orig_bytes": "0", "local_orig": "False"} and known["orig_bytes"] == "0"
assert set(others[1]) == {"ts", "uid"}
PYTHON
