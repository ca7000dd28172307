#!/usr/bin/env bash
# firepit 2.3.35: a pattern for an hour finds what was seen at any time.
#
# START and STOP bound when something must have been observed (STIX 2.1, 9.5). extract() reads them, as anything that is
# no pattern is refused, and does not heed them: asked for the first hour it returns what was seen in the fifth, too. A
# hunt that looks at a window counts what lies outside it.
#
# Seen:
#     seen: a.exe at 01:00, b.exe at 05:00
#     START t'2026-01-02T00:30:00Z' STOP t'2026-01-02T01:30:00Z': ['a.exe', 'b.exe']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check firepit==2.3.35 requests==2.33.1
venv/bin/python -W ignore - <<'PYTHON'
from firepit import get_storage


def observed(hour, *objects):
    when = f"2026-01-02T0{hour}:00:00.000Z"
    return {
        "type": "observed-data", "id": f"observed-data--00000000-0000-4000-8000-00000000000{hour}", "created": when,
        "modified": when, "first_observed": when, "last_observed": when, "number_observed": 1,
        "objects": {str(number): one for number, one in enumerate(objects)},
    }


who = {
    "type": "identity", "id": "identity--00000000-0000-4000-8000-000000000001", "identity_class": "system",
    "name": "sensor", "created": "2026-01-02T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z",
}
bundle = {
    "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000",
    "objects": [who, observed(1, {"type": "file", "name": "a.exe"}), observed(5, {"type": "file", "name": "b.exe"})],
}
session = get_storage("session.db", "session")
session.cache("all", [bundle])
window = "START t'2026-01-02T00:30:00Z' STOP t'2026-01-02T01:30:00Z'"
session.extract("found", "file", "all", f"[file:name LIKE '%.exe'] {window}")
found = sorted(session.values("name", "found"))
print("seen: a.exe at 01:00, b.exe at 05:00")
print(f"{window}: {found}")
assert found == ["a.exe", "b.exe"]
PYTHON
