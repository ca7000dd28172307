#!/usr/bin/env bash
# firepit 2.3.35: of a pattern about two kinds of objects, what is said of the other kind is not asked.
#
# extract() takes from what was observed the objects of one kind that match a pattern. Of "this address and, in the same
# observation, this file" only the half about the kind wanted is looked at: the address is found beside any file, or
# none. With OR in place of AND the other half is left out as well, and what it would have found is missing.
#
# Seen:
#     [ipv4-addr:value = '192.0.2.1' AND file:name = 'none.exe'] ['192.0.2.1']
#     [ipv4-addr:value = '192.0.2.9' OR file:name = 'a.exe'] []
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
    "objects": [who, observed(1, {"type": "ipv4-addr", "value": "192.0.2.1"}, {"type": "file", "name": "a.exe"})],
}
session = get_storage("session.db", "session")
session.cache("all", [bundle])
found = []
for pattern in (
    "[ipv4-addr:value = '192.0.2.1' AND file:name = 'none.exe']",
    "[ipv4-addr:value = '192.0.2.9' OR file:name = 'a.exe']",
):
    session.extract("found", "ipv4-addr", "all", pattern)
    found.append(session.values("value", "found"))
    print(pattern, found[-1])
assert found == [["192.0.2.1"], []]
PYTHON
