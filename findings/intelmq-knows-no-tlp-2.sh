#!/usr/bin/env bash
# IntelMQ 3.5.0: an event marked TLP:CLEAR or TLP:AMBER+STRICT gets no marking at all.
#
# Both are labels of TLP 2.0, in force since August 2022, and MISP's taxonomy has them. The field "tlp" knows those of
# before alone. Event.add raises InvalidValue, or with raise_failure=False leaves the field out and answers False: what
# may not leave an organisation goes on unmarked.
#
# Seen:
#     {'TLP:RED': 'RED', 'TLP:AMBER': 'AMBER', 'TLP:AMBER+STRICT': None, 'TLP:GREEN': 'GREEN', 'TLP:CLEAR': None, 'TLP:WHITE': 'WHITE'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
from intelmq.lib.message import Event

kept = {}
for label in ("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR", "TLP:WHITE"):
    event = Event()
    event.add("tlp", label, raise_failure=False)
    kept[label] = event.get("tlp")
print(kept)
assert [label for label, value in kept.items() if value is None] == ["TLP:AMBER+STRICT", "TLP:CLEAR"]
PYTHON
