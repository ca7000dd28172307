#!/usr/bin/env bash
# format-cef 0.0.4: a time is written as its clock shows it, and the zone is left out.
#
# Noon in Tokyo and noon in UTC, nine hours apart and both given with their zones, become the same text. A CEF time
# without a zone is read as the receiver's own, so a record of a sensor elsewhere stands hours away from where it
# happened. CEF has a form with the zone, and one in milliseconds.
#
# Seen:
#     UTC 2026-01-02T12:00:00+00:00 -> rt=Jan 02 2026 12:00:00
#     Tokyo 2026-01-02T12:00:00+09:00 -> rt=Jan 02 2026 12:00:00
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check format-cef==0.0.4 setuptools==75.8.0
venv/bin/python - <<'PYTHON'
import datetime

from format_cef.cef import format_cef

written = []
for name, hours in (("UTC", 0), ("Tokyo", 9)):
    noon = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
    record = format_cef("vendor", "product", "1", "100", "name", 5, extensions={"deviceReceiptTime": noon})
    written.append(record.decode().rpartition("|")[2])
    print(name, noon.isoformat(), "->", written[-1])
assert written == ["rt=Jan 02 2026 12:00:00"] * 2
PYTHON
