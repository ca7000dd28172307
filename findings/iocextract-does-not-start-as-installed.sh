#!/usr/bin/env bash
# iocextract 1.16.1: as pip installs it, it cannot be imported.
#
# It imports requests and does not name it among its dependencies. In an environment of its own, as a container or a
# tool installer makes one, the library and its command end with ModuleNotFoundError; beside anything that brings
# requests along they work, so that it shows in production first.
#
# Seen:
#     needs: requests
#     names: ['regex', 'ipaddress ; python_version <= "2.7"']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check iocextract==1.16.1
venv/bin/python - <<'PYTHON'
import importlib.metadata

try:
    import iocextract
except ModuleNotFoundError as error:
    said = error.name
print("needs:", said)
print("names:", importlib.metadata.requires("iocextract"))
assert said == "requests" and not any("requests" in one for one in importlib.metadata.requires("iocextract"))
PYTHON
