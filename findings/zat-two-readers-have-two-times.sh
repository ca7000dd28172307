#!/usr/bin/env bash
# zat 0.4.9: its two readers of a Zeek log give one record two times, hours apart.
#
# Zeek writes seconds since 1970. The reader of rows makes local time of them, the one for tables UTC, and neither time
# says which it is. Where the clock is not on UTC, rows that are looked up in the table, or joined with another log, are
# found hours away from themselves, or in the wrong day.
#
# Seen:
#     TZ=America/New_York, 1767225600 is 2026-01-01T00:00:00Z
#     rows:  2025-12-31 19:00:00 zone None
#     table: 2026-01-01 00:00:00 zone None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check zat==0.4.9
TZ=America/New_York venv/bin/python -W ignore - <<'PYTHON'
from zat.log_to_dataframe import LogToDataFrame
from zat.zeek_log_reader import ZeekLogReader

LOG = """#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\ttest
#fields\tts\tuid
#types\ttime\tstring
1767225600.000000\tC1
#close\t2026-01-01-01-00-00
"""
with open("test.log", "w") as file:
    file.write(LOG)
(row,) = ZeekLogReader("test.log").readrows()
(time,) = LogToDataFrame().create_dataframe("test.log").index
print("TZ=America/New_York, 1767225600 is 2026-01-01T00:00:00Z")
print("rows: ", row["ts"], "zone", row["ts"].tzinfo)
print("table:", time, "zone", time.tzinfo)
assert str(row["ts"]) == "2025-12-31 19:00:00" and str(time) == "2026-01-01 00:00:00"
assert row["ts"].tzinfo is time.tzinfo is None
PYTHON
