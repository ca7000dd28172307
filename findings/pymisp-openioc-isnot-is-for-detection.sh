#!/usr/bin/env bash
# PyMISP 2.5.34.4: the OpenIOC import takes what must not be there for something to detect.
#
# A condition of an OpenIOC item may be "isnot" or "containsnot" (OpenIOC 1.0), or negate="true" stands beside it (1.1).
# load_openioc reads neither: a domain that is excepted becomes a domain to detect. "A file svchost.exe that has not the
# hash of Windows' own" becomes a filename|md5 of the genuine file, to_ids set. The import module of misp-modules is
# this function.
#
# Seen:
#     domain bad.example True
#     domain fine.example True
#     domain good.example True
#     filename|md5 svchost.exe|d41d8cd98f00b204e9800998ecf8427e True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check 'pymisp[openioc]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
from pymisp.tools import load_openioc

IOC = """<?xml version="1.0" encoding="utf-8"?>
<ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="5f1d8b8a-0000-4000-8000-000000000001">
<short_description>A report</short_description>
<definition><Indicator operator="OR" id="5f1d8b8a-0000-4000-8000-000000000002">{}</Indicator></definition>
</ioc>"""


def item(number, condition, search, value):
    return (
        f'<IndicatorItem id="5f1d8b8a-0000-4000-8000-00000000001{number}" condition="{condition}">'
        f'<Context document="{search.split("/")[0]}" search="{search}" type="mir"/><Content type="string">{value}</Content>'
        "</IndicatorItem>"
    )


not_windows_own = (
    '<Indicator operator="AND" id="5f1d8b8a-0000-4000-8000-000000000003">'
    + item(1, "is", "FileItem/FileName", "svchost.exe")
    + item(2, "isnot", "FileItem/Md5sum", "d41d8cd98f00b204e9800998ecf8427e")
    + "</Indicator>"
)
items = item(3, "is", "Network/DNS", "bad.example") + item(4, "isnot", "Network/DNS", "good.example") + not_windows_own
items += item(5, 'is" negate="true', "Network/DNS", "fine.example")
found = sorted((one.type, one.value, one.to_ids) for one in load_openioc(IOC.format(items)).attributes)
for one in found:
    print(*one)
assert {("domain", "good.example", True), ("domain", "fine.example", True)} <= set(found)
assert ("filename|md5", "svchost.exe|d41d8cd98f00b204e9800998ecf8427e", True) in found
PYTHON
