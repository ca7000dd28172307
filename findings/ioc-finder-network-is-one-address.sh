#!/usr/bin/env bash
# ioc-finder 9.4.1: a network in a text becomes its first address.
#
# "192.0.2.0/24" is found as the address 192.0.2.0, and as nothing else: the other 255 addresses are lost, and the one
# that is left is usually nobody's. The package counts networks among what it finds ("cidr ranges", in its own
# keywords); the answer has no place for them any more.
#
# Seen:
#     {'ipv4s': ['192.0.2.0']}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ioc-finder==9.4.1
venv/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import metadata

from ioc_finder import find_iocs

found = {kind: values for kind, values in find_iocs("Block 192.0.2.0/24 today.").items() if values}
print(found)
assert found == {"ipv4s": ["192.0.2.0"]} and "cidr ranges" in metadata("ioc-finder")["Keywords"]
PYTHON
