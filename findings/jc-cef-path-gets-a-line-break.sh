#!/usr/bin/env bash
# jc 1.26.1: a Windows path in a CEF record is read with a line break in it.
#
# In an extension a backslash is written twice (CEF, "Character Encoding"), so C:\temp\new.exe is C:\\temp\\new.exe. jc
# turns the pair into one, and then takes that one and the n after it for a line break. Every path with a folder or file
# beginning with n comes out as another.
#
# Seen:
#     written: fname=C:\\temp\\new.exe
#     read: 'C:\\temp\new.exe' is the path: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check jc==1.26.1
venv/bin/python -W ignore - <<'PYTHON'
import jc

path = r"C:\temp\new.exe"
written = path.replace("\\", "\\\\")
print(f"written: fname={written}")
(found,) = jc.parse("cef", f"CEF:0|MISP|MISP|2.5|100|name|5|fname={written}", quiet=True)
print("read:", repr(found["fname"]), "is the path:", found["fname"] == path)
assert found["fname"] == "C:\\temp\new.exe"
PYTHON
