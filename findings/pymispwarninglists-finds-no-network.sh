#!/usr/bin/env bash
# pymispwarninglists 1.7.0: a search finds no address in the lists of networks, unless asked for the slow way.
#
# 69 of its 119 lists are of type cidr, among them private and reserved networks. WarningLists().search looks a value up as
# it stands: 10.1.2.3 is on no list, nor is 8.8.8.8/32 or EXAMPLE.COM, while 8.8.8.8 and example.com are. With
# slow_search=True (tens of seconds to load) networks and hosts are searched; capitals are still not.
#
# Seen:
#     {'10.1.2.3': 0, '8.8.8.8': 1, '8.8.8.8/32': 0, 'example.com': 8, 'EXAMPLE.COM': 0}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymispwarninglists==1.7.0
venv/bin/python - <<'PYTHON'
from pymispwarninglists import WarningLists

lists = WarningLists()
found = {value: len(lists.search(value) or []) for value in ("10.1.2.3", "8.8.8.8", "8.8.8.8/32", "example.com", "EXAMPLE.COM")}
print(found)
assert not found["10.1.2.3"] and not found["8.8.8.8/32"] and not found["EXAMPLE.COM"]
assert found["8.8.8.8"] and found["example.com"]
PYTHON
